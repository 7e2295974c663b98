namespace Crosshead.Cli.Doctor;

/// <summary>The libtorch that was loaded.</summary>
/// <param name="Version">Version of libtorch, such as <c>2.10.0</c>.</param>
/// <param name="Folder">Folder that libtorch was loaded from.</param>
/// <param name="SeesCuda">Whether libtorch can compute on a CUDA device of this machine.</param>
internal sealed record LibTorchFound(string Version, string Folder, bool SeesCuda);
