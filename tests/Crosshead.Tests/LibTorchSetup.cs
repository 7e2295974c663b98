using System.Runtime.CompilerServices;
using Crosshead.Runtime;
using Crosshead.Tests.Runtime.Distributed;

namespace Crosshead.Tests;

internal static class LibTorchSetup
{
    // Tests make tensors before they touch the library, which would otherwise load libtorch at its first use.
    [ModuleInitializer]
    internal static void Load()
    {
        RankScenarios.RunIfAsked(Environment.GetCommandLineArgs());
        LibTorch.EnsureLoaded();
        // After the last test all is written. Once, a thread of the pool crashed while libtorch tidied itself up then.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => NativeProcess.Exit(Environment.ExitCode);
    }
}
