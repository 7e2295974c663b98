namespace Crosshead.Cli.Demo;

/// <summary>Options of the demo.</summary>
/// <param name="Texts">Files to train on; empty for the documentation of the .NET reference packs.</param>
/// <param name="Folder">Folder for all output.</param>
/// <param name="Minutes">Wall-clock minutes that the whole demo may take.</param>
/// <param name="Command">Command line that repeats the demo.</param>
internal sealed record DemoOptions(IReadOnlyList<string> Texts, string Folder, double Minutes, string Command);
