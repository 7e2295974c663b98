namespace Crosshead.Tests;

/// <summary>
/// Tests that nothing else may run beside: a failure within a backward pass is kept for whoever asks first.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
