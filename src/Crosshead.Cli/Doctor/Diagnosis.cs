using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using Crosshead.Runtime.MachineCode;
using Crosshead.Training.Recipes;

namespace Crosshead.Cli.Doctor;

/// <summary>What this machine can compute with, and what is missing.</summary>
internal sealed class Diagnosis
{
    private readonly List<Finding> _findings = [];
    private readonly List<FoundDevice> _devices = [];

    private Diagnosis() { }

    /// <summary>All findings, in the order of the checks.</summary>
    public IReadOnlyList<Finding> Findings => _findings;

    /// <summary>The devices that can compute now.</summary>
    public IReadOnlyList<FoundDevice> Devices => _devices;

    /// <summary>The loaded libtorch; null if none loads.</summary>
    public LibTorchFound? LibTorch { get; private set; }

    /// <summary>Whether this machine can compute with tensors at all.</summary>
    public bool CanCompute => LibTorch is not null;

    /// <summary>Checks this machine; loads libtorch.</summary>
    public static Diagnosis OfThisMachine()
    {
        var machine = new Diagnosis();
        machine.LookAtHost();
        machine.LookAtLibTorch();
        machine.LookAtCuda(CudaDevices.All());
        machine.LookAtGpuExchange();
        return machine;
    }

    private static string Cores =>
        Environment.ProcessorCount == 1 ? "1 core" : $"{Environment.ProcessorCount} cores";

    private void LookAtHost()
    {
        Add("operating system", RuntimeInformation.OSDescription.Trim());
        Add(".NET", Environment.Version.ToString());
        var bfloat16 = CpuVectors.MultiplyBFloat16 ? ", bfloat16" : "";
        Add("processor", $"{Cores}, {CpuVectors.Description}{bfloat16}",
            CpuVectors.AreUsed ? null
                : "training and decoding are several times as fast on a processor with AVX2 or AVX-512");
        Add("machine code", GeneratedCode.Description);
        var threads = ComputeThreads.Choice;
        Add("threads", $"{threads.Count}: {threads.Reason}; --threads or {ComputeThreads.Variable} changes it");
        Add("memory", $"{Quantity.Bytes(AvailableMemory())} available to this process");
        Add("disk", $"{Quantity.Bytes(new DriveInfo(Environment.CurrentDirectory).AvailableFreeSpace)} free in the "
            + $"current folder");
    }

    private void LookAtLibTorch()
    {
        try
        {
            LibTorch = Load();
            _devices.Add(new FoundDevice("cpu", Cores, AvailableMemory()));
            Add("libtorch", $"{LibTorch.Version} in {LibTorch.Folder}");
            LookAtPrecision();
        }
        catch (CrossheadException missing)
        {
            _findings.Add(new Finding("libtorch", false, missing.Message, $"restore the packages again (dotnet "
                + $"restore), or set {Runtime.LibTorch.PathVariable} to the torch/lib folder of an installed PyTorch"));
        }
    }

    // Not inlined, so that TorchSharp loads only after libtorch.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LookAtPrecision()
    {
        var recipe = new Recipe { Training = new TrainingOptions { Dtype = TrainingPrecision.Auto } };
        var precision = TrainingPrecision.Of(recipe, ComputeDevice.Parse(recipe.Training.Device));
        Add("training", $"in {precision}", precision.Dtype == "bfloat16" ? null : "leave training.dtype at auto, as "
            + "the recipes have it; a processor with AVX512-BF16 or AMX, or a GPU, is faster");
    }

    private void LookAtCuda(IReadOnlyList<FoundDevice> present)
    {
        foreach (var device in present)
            Add(device.Name, $"{device.Description}, {Quantity.Bytes(device.MemoryBytes)}"
                + $"{(LibTorch is { SeesCuda: true } ? "" : "; this libtorch cannot use it")}",
                LibTorch is { SeesCuda: true } ? null : $"set {Runtime.LibTorch.PathVariable} to the torch/lib folder "
                    + $"of a PyTorch with CUDA, its nvidia/*/lib folders on LD_LIBRARY_PATH");
        if (present.Count == 0)
            Add("CUDA", "no device; computing on the processor");
        else if (LibTorch is { SeesCuda: true })
            _devices.AddRange(present);
    }

    private void LookAtGpuExchange()
    {
        if (LibTorch is not { SeesCuda: true }) return;
        const string what = "exchange of GPUs";
        try
        {
            if (GpuExchange.Measure() is not { } found) return;
            var apart = found.ApartPairs is [] ? "every pair reaches each other directly"
                : $"through the host: {string.Join(", ", found.ApartPairs)}";
            Add(what, $"NCCL {found.Nccl}, {found.Gpus} GPUs, {apart}; a GPU sends {Speed(found.AllToAllSpeed)} to all "
                + $"others and gathers {Speed(found.AllGatherSpeed)}");
            _findings.Add(new Finding("sums over ranks", found.SumsAreExact, found.SumsAreExact
                ? "in the order of the ranks, with the bits of the processor" : "other bits than the processor's",
                found.SumsAreExact ? null : "train on one GPU, and report this"));
        }
        catch (CrossheadException missing)
        {
            _findings.Add(new Finding(what, false, missing.Message, "training on one GPU works without it"));
        }
    }

    private static string Speed(double bytes) => $"{Quantity.Bytes((long)bytes)}/s";

    private void Add(string what, string found, string? remedy = null) =>
        _findings.Add(new Finding(what, true, found, remedy));

    // Not inlined, so that TorchSharp loads only after libtorch.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static LibTorchFound Load()
    {
        return new LibTorchFound(Runtime.LibTorch.Version, Runtime.LibTorch.Folder, SeesCuda());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool SeesCuda() => TorchSharp.torch.cuda.is_available();

    private static long AvailableMemory() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
}
