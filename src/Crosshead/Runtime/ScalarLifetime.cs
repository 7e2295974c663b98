using System.Runtime.InteropServices;

namespace Crosshead.Runtime;

/// <summary>
/// Lets freed scalars live on for a while. TorchSharp turns every number given to an operator, and the factor within each
/// sum of two tensors, into a native scalar with a finalizer, and lets go of it before native code has read it: a garbage
/// collection at that moment frees it, and the operator reads whatever is there by then. Freeing a scalar here means to
/// put it in a ring; it is really freed when as many others as the ring holds have been freed after it.
/// </summary>
internal static unsafe class ScalarLifetime
{
    private const string FreeFunction = "THSTorch_dispose_scalar";
    private const int Held = 1 << 16; // a scalar takes 32 bytes
    private const int ReadWriteExecute = 7, ReadExecute = 5;

    private static readonly nint[] Ring = new nint[Held];
    private static uint s_next;

    /// <summary>Redirects the function that frees scalars, before any thread can be in it. Where the system keeps code from being changed, all stays as it is.</summary>
    /// <param name="binding">TorchSharp's native half.</param>
    public static void Extend(nint binding)
    {
        if (!NativeLibrary.TryGetExport(binding, FreeFunction, out var function)) return;
        delegate* unmanaged<nint, void> hold = &Hold;
        // mov rax, address; jmp rax
        Span<byte> jump = [0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xE0];
        MemoryMarshal.Write(jump[2..], (nint)hold);

        var page = function & ~(nint)(Environment.SystemPageSize - 1);
        var length = function + jump.Length - page;
        if (Protect(page, length, ReadWriteExecute) != 0) return;
        jump.CopyTo(new Span<byte>((void*)function, jump.Length));
        _ = Protect(page, length, ReadExecute);
    }

    // Numbers own nothing but their 32 bytes, which the C++ runtime took from malloc.
    [UnmanagedCallersOnly]
    private static void Hold(nint scalar)
    {
        if (scalar == 0) return;
        var place = Interlocked.Increment(ref s_next) % Held;
        NativeMemory.Free((void*)Interlocked.Exchange(ref Ring[place], scalar));
    }

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static extern int Protect(nint address, nint length, int protection);
}
