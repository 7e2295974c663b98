using System.Globalization;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using LLama;
using LLama.Common;
using LLama.Native;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks.Llama;

/// <summary>
/// Quantised files of one model, by Crosshead and by llama.cpp: types of the tensors, and errors of the numbers.
/// llama.cpp also loads each file of Crosshead's.
/// </summary>
internal static class QuantizationComparison
{
    private const int ElementsAtOnce = 1 << 20;

    private static readonly Dictionary<string, LLamaFtype> s_types = new()
    {
        ["q8_0"] = LLamaFtype.MOSTLY_Q8_0,
        ["q6_k"] = LLamaFtype.MOSTLY_Q6_K,
        ["q5_k_m"] = LLamaFtype.MOSTLY_Q5_K_M,
        ["q5_k_s"] = LLamaFtype.MOSTLY_Q5_K_S,
        ["q5_1"] = LLamaFtype.MOSTLY_Q5_1,
        ["q5_0"] = LLamaFtype.MOSTLY_Q5_0,
        ["q4_k_m"] = LLamaFtype.MOSTLY_Q4_K_M,
        ["q4_k_s"] = LLamaFtype.MOSTLY_Q4_K_S,
        ["q4_1"] = LLamaFtype.MOSTLY_Q4_1,
        ["q4_0"] = LLamaFtype.MOSTLY_Q4_0,
    };

    /// <summary>Compares, and prints a table. Returns the exit code: 1 if tensors have other types.</summary>
    public static int Run(string folder)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        LlamaEngine.Load();
        using var place = new TemporaryPlace();
        using (var model = ModelDirectory.LoadFrozen(folder, ScalarType.Float32))
            GgufModel.Write(place.File("f32"), model, GgufRecipe.Named("f32"), folder, "comparison");
        var others = 0;
        Console.WriteLine("| type | root mean square error | llama.cpp's | ratio | tensors of another type |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var (name, type) in s_types)
        {
            GgufQuantizer.Write(place.File("own"), place.File("f32"), GgufRecipe.Named(name));
            LLamaQuantizer.Quantize(place.File("f32"), place.File("theirs"), type, Environment.ProcessorCount, true,
                true);
            using (LLamaWeights.LoadFromFile(new ModelParams(place.File("own"))))
            {
                // It is enough that it loads; `llama` compares results.
            }
            using GgufReader exact = GgufReader.Open(place.File("f32")), own = GgufReader.Open(place.File("own")),
                theirs = GgufReader.Open(place.File("theirs"));
            var differing = exact.Tensors.Keys.Count(tensor => own.Tensors[tensor].Type != theirs.Tensors[tensor].Type);
            var (a, b) = (Error(exact, own), Error(exact, theirs));
            Console.WriteLine($"| {name} | {a:0.0000e+0} | {b:0.0000e+0} | {a / b:0.000} | {differing} |");
            others += differing;
        }
        return others == 0 ? 0 : 1;
    }

    private static double Error(GgufReader exact, GgufReader file)
    {
        var (values, read, sum, count) = (new float[ElementsAtOnce], new float[ElementsAtOnce], 0.0, 0L);
        foreach (var tensor in exact.Tensors.Values)
            for (var first = 0L; first < tensor.Elements; first += ElementsAtOnce)
            {
                var length = (int)Math.Min(ElementsAtOnce, tensor.Elements - first);
                exact.Read(tensor.Name, first, values.AsSpan(0, length));
                file.Read(tensor.Name, first, read.AsSpan(0, length));
                for (var i = 0; i < length; i++) sum += Math.Pow(values[i] - read[i], 2);
                count += length;
            }
        return Math.Sqrt(sum / count);
    }

    private sealed class TemporaryPlace : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("crosshead-");

        public string File(string name) => Path.Combine(_folder.FullName, $"{name}.gguf");

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
