using System.Runtime.InteropServices;

namespace Crosshead.Runtime;

/// <summary>
/// Delays the freeing of scalars. TorchSharp turns every number of an operator, and the factor in each sum of two
/// tensors, into a native scalar with a finalizer. It drops the scalar before native code has read it. A garbage
/// collection at that moment frees the scalar, and the operator reads arbitrary memory. Here a freed scalar is put into
/// a ring. It is really freed after as many other scalars as the ring holds.
/// </summary>
internal static unsafe class ScalarLifetime
{
    private const string FreeFunction = "THSTorch_dispose_scalar";
    private const int Held = 1 << 16; // a scalar takes 32 bytes
    private const int ReadWriteExecute = 7, ReadExecute = 5;

    private static readonly nint[] Ring = new nint[Held];
    private static uint s_next;

    /// <summary>
    /// Redirects the function that frees scalars, before any thread can be in it. If the system does not allow changing
    /// code, nothing changes.
    /// </summary>
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
