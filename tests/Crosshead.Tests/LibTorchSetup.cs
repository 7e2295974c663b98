using System.Runtime.CompilerServices;

namespace Crosshead.Tests;

internal static class LibTorchSetup
{
    // Tests make tensors before they touch the library, which would otherwise load libtorch at its first use.
    [ModuleInitializer]
    internal static void Load() => Crosshead.Runtime.LibTorch.EnsureLoaded();
}
