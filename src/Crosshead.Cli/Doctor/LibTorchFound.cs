namespace Crosshead.Cli.Doctor;

/// <summary>The libtorch that was loaded.</summary>
/// <param name="Version">Its version: <c>2.10.0</c>.</param>
/// <param name="Folder">Where it was loaded from.</param>
/// <param name="SeesCuda">Whether it can compute on a CUDA device of this machine.</param>
internal sealed record LibTorchFound(string Version, string Folder, bool SeesCuda);
