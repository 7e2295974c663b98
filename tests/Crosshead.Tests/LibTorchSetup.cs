using System.Runtime.CompilerServices;
using Crosshead.Tests.Runtime.Distributed;

namespace Crosshead.Tests;

internal static class LibTorchSetup
{
    // Tests make tensors before they touch the library, which would otherwise load libtorch at its first use.
    [ModuleInitializer]
    internal static void Load()
    {
        RankScenarios.RunIfAsked(Environment.GetCommandLineArgs());
        Crosshead.Runtime.LibTorch.EnsureLoaded();
    }
}
