namespace Crosshead.Cli.Doctor;

/// <summary>A device that tensors can live on.</summary>
/// <param name="Name">As <c>--device</c> takes it: <c>cpu</c>, <c>cuda:0</c>.</param>
/// <param name="Description">The maker's name for it.</param>
/// <param name="MemoryBytes">Its memory in bytes.</param>
internal sealed record ComputeDevice(string Name, string Description, long MemoryBytes);
