using System.Runtime.InteropServices;

namespace Crosshead.Runtime;

/// <summary>
/// The used part of libtorch's stable C interface: every function returns 0 for success. Also the functions with which
/// TorchSharp's native library records operations of managed code in the autograd graph.
/// </summary>
internal static unsafe partial class Native
{
    private const string Library = "torch_cpu";
    private const string CudaLibrary = "torch_cuda";
    private const string Binding = "LibTorchSharp";

    static Native()
    {
        LibTorch.EnsureLoaded();
        NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, (name, _, _) => name switch
        {
            Library => LibTorch.CpuLibrary,
            CudaLibrary => LibTorch.CudaLibrary,
            Binding => LibTorch.BindingLibrary,
            _ => 0,
        });
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

    [LibraryImport(CudaLibrary, EntryPoint = "aoti_torch_get_current_cuda_stream")]
    public static partial int GetCurrentCudaStream(int device, out nint stream);

    [LibraryImport(CudaLibrary, EntryPoint = "aoti_torch_create_cuda_stream_guard")]
    public static partial int NewStreamGuard(nint stream, int device, out nint guard);

    [LibraryImport(CudaLibrary, EntryPoint = "aoti_torch_delete_cuda_stream_guard")]
    public static partial int DeleteStreamGuard(nint guard);

    [LibraryImport(Library, EntryPoint = "torch_parallel_for")]
    public static partial int ParallelFor(long begin, long end, long grain,
        delegate* unmanaged<long, long, void*, void> body, void* context);

    [LibraryImport(Library, EntryPoint = "torch_get_num_threads")]
    private static partial int GetThreadCount(out uint count);

    /// <summary>Number of threads with which libtorch computes for this thread.</summary>
    public static int ThreadCount =>
        GetThreadCount(out var count) == 0 ? (int)count : throw new LibTorchException("torch_get_num_threads failed.");

    /// <summary>An array of tensor handles and its length, as TorchSharp's native half passes them.</summary>
    public struct HandleArray
    {
        public nint* Handles;
        public long Count;
    }

    /// <summary>A node of the autograd graph: addresses of a strong and of a weak pointer to it.</summary>
    public struct NodePointers
    {
        public nint Strong;
        public nint Weak;
    }

    [LibraryImport(Binding, EntryPoint = "THSAutograd_CSharpNode_ctor")]
    public static partial NodePointers NewNode(nint apply, nint deleted);

    [LibraryImport(Binding, EntryPoint = "THSAutograd_CSharpNode_disposeSharedPtr")]
    public static partial void ReleaseStrong(NodePointers node);

    [LibraryImport(Binding, EntryPoint = "THSAutograd_CSharpNode_disposeWeakPtr")]
    public static partial void ReleaseWeak(NodePointers node);

    [LibraryImport(Binding, EntryPoint = "THSAutograd_CSharpNode_setNextEdges")]
    public static partial void SetNextEdges(NodePointers node, HandleArray inputs,
        [MarshalAs(UnmanagedType.U1)] bool executable);

    [LibraryImport(Binding, EntryPoint = "THSAutograd_CSharpNode_clearInputMetadata")]
    public static partial void ClearInputMetadata(NodePointers node);

    [LibraryImport(Binding, EntryPoint = "THSAutograd_Function_wrapOutputs")]
    public static partial void WrapOutputs(HandleArray inputs, HandleArray notDifferentiable, HandleArray dirty,
        HandleArray outputs, NodePointers node, delegate* unmanaged<nuint, nint*> allocate);
}
