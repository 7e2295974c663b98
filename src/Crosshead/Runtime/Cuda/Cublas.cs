using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// The used part of NVIDIA's cuBLAS (<c>cublas_api.h</c>): the one that libtorch has loaded. It adds a product of
/// bfloat16 matrices to a float32 one, for which libtorch has no call.
/// </summary>
internal sealed unsafe class Cublas
{
    private const int Plain = 0, Transposed = 1;                    // CUBLAS_OP_N, CUBLAS_OP_T
    private const int Float32 = 0, BFloat16 = 14;                   // CUDA_R_32F, CUDA_R_16BF
    private const int ComputeInFloat32 = 68, ChooseAlgorithm = -1;  // CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT

    private static readonly string[] s_names = ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11"];
    private static readonly ConcurrentDictionary<int, Cublas?> s_ofDevices = new();

    private readonly Lock _calls = new();
    private readonly CudaDevice _device;
    private readonly nint _handle;
    private readonly delegate* unmanaged<nint, nint, int> _setStream;
    private readonly delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, nint, int, int, float*,
        nint, int, int, int, int, int> _multiply;

    private Cublas(nint library, CudaDevice device)
    {
        _device = device;
        _setStream = (delegate* unmanaged<nint, nint, int>)NativeLibrary.GetExport(library, "cublasSetStream_v2");
        _multiply = (delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, nint, int, int, float*,
            nint, int, int, int, int, int>)NativeLibrary.GetExport(library, "cublasGemmEx");
        using var scope = device.Enter();
        nint handle;
        Check(((delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cublasCreate_v2"))(&handle),
            "starting cuBLAS");
        _handle = handle;
    }

    /// <summary>cuBLAS on a device; null for a libtorch that has none loaded.</summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    public static Cublas? On(int device) => s_ofDevices.GetOrAdd(device, static index =>
        s_names.Select(LoadedLibrary.Find).FirstOrDefault(library => library != 0) is not 0 and var found
            ? new Cublas(found, CudaDevice.Get(index)) : null);

    /// <summary>sum ← leftᵀ · right, or sum ← sum + leftᵀ · right, on libtorch's current stream.</summary>
    /// <param name="left">Address of [k, m] bfloat16, dense.</param>
    /// <param name="right">Address of [k, n] bfloat16, dense.</param>
    /// <param name="sum">Address of [m, n] float32, dense; written.</param>
    /// <param name="m">Rows of the sum.</param>
    /// <param name="n">Columns of the sum.</param>
    /// <param name="k">Terms of each product.</param>
    /// <param name="fresh">Whether the sum begins with this product, whatever it held before.</param>
    /// <exception cref="CrossheadException">cuBLAS refused.</exception>
    public void AddProduct(nint left, nint right, nint sum, int m, int n, int k, bool fresh)
    {
        using var scope = _device.Enter();
        float one = 1, kept = fresh ? 0 : 1;
        lock (_calls)
        {
            Check(_setStream(_handle, CudaStream.Current(_device.Index)), "choosing a stream for cuBLAS");
            // Columns come first in cuBLAS: sumᵀ = rightᵀ · left.
            Check(_multiply(_handle, Plain, Transposed, n, m, k, &one, right, BFloat16, n, left, BFloat16, m, &kept,
                sum, Float32, n, ComputeInFloat32, ChooseAlgorithm), "multiplying matrices");
        }
    }

    private static void Check(int code, string doing)
    {
        if (code != 0)
            throw new CrossheadException($"{doing}: cuBLAS answered status {code}; use {MessageTerm.Device} cpu if it "
                + $"stays so.");
    }
}
