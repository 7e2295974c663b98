using System.Runtime.InteropServices;

namespace Crosshead.Runtime;

/// <summary>The process as native code sees it.</summary>
internal static partial class NativeProcess
{
    /// <summary>Ends the process at once: nothing is tidied up, and no thread is waited for.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    public static partial void Exit(int code);

    /// <summary>
    /// Sets an environment variable for native libraries. .NET keeps its own copy of the environment, which native code
    /// does not see.
    /// </summary>
    /// <param name="name">The variable.</param>
    /// <param name="value">Its value.</param>
    /// <param name="overwrite">Whether a value that is there is replaced.</param>
    public static void SetVariable(string name, string value, bool overwrite) =>
        _ = SetEnvironment(name, value, overwrite ? 1 : 0);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
