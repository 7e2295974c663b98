using System.Runtime.InteropServices;

namespace Crosshead.Runtime;

/// <summary>libtorch's stable C interface, as far as it is used. Every function answers 0 for success.</summary>
internal static unsafe partial class Native
{
    private const string Library = "torch_cpu";

    static Native()
    {
        LibTorch.EnsureLoaded();
        NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, (name, _, _) => name == Library ? LibTorch.CpuLibrary : 0);
    }

    [LibraryImport(Library, EntryPoint = "torch_call_dispatcher")]
    public static partial int CallDispatcher(byte* name, byte* overload, ulong* stack, ulong version);

    [LibraryImport(Library, EntryPoint = "aoti_torch_new_tensor_handle")]
    public static partial int NewTensorHandle(nint original, out nint handle);

    [LibraryImport(Library, EntryPoint = "torch_new_list_reserve_size")]
    public static partial int NewList(nuint capacity, out nint list);

    [LibraryImport(Library, EntryPoint = "torch_list_push_back")]
    public static partial int ListPushBack(nint list, ulong element);

    [LibraryImport(Library, EntryPoint = "aoti_torch_get_data_ptr")]
    public static partial int GetDataPointer(nint tensor, out nint pointer);

    [LibraryImport(Library, EntryPoint = "torch_parallel_for")]
    public static partial int ParallelFor(long begin, long end, long grain, delegate* unmanaged<long, long, void*, void> body, void* context);

    [LibraryImport(Library, EntryPoint = "torch_get_num_threads")]
    public static partial int GetThreadCount(out uint count);
}
