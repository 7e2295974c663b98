using System.Runtime.InteropServices;

namespace Crosshead.Runtime;

/// <summary>Native libraries that this process has loaded already, for libtorch say.</summary>
internal static partial class LoadedLibrary
{
    private const int ResolveNow = 2, OnlyIfLoaded = 4; // RTLD_NOW, RTLD_NOLOAD

    /// <summary>A library that is loaded; 0 if it is not.</summary>
    /// <param name="name">The name that the library has for others (its soname).</param>
    public static nint Find(string name) => Open(name, ResolveNow | OnlyIfLoaded);

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string name, int flags);
}
