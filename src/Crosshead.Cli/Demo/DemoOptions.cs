namespace Crosshead.Cli.Demo;

/// <summary>What the demo was asked to do.</summary>
/// <param name="Texts">Files to train on; empty for the documentation of the .NET reference packs.</param>
/// <param name="Folder">Where everything goes.</param>
/// <param name="Minutes">Wall-clock minutes that all of it may take.</param>
/// <param name="Command">The command line that does it again.</param>
internal sealed record DemoOptions(IReadOnlyList<string> Texts, string Folder, double Minutes, string Command);
