namespace Crosshead.Tests;

/// <summary>
/// Tests that nothing else may run beside: they set what the whole process shares, such as its number of threads, or
/// need a device for themselves.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
