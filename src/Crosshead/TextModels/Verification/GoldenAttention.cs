using Crosshead.Attention;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.TextModels.Verification;

/// <summary>
/// A golden file of one attention layer: options in its metadata, and in float64 the weights (<c>weight.*</c>), the
/// input <c>x</c>, the output <c>out</c>, a <c>probe</c> of the output's shape, and the gradients (<c>grad.*</c>) of
/// Σ out · probe.
/// </summary>
public static class GoldenAttention
{
    // Names of the golden weights and of the parameters that hold them.
    private static readonly Dictionary<string, string> ParameterNames = new()
    {
        ["q"] = "q_proj.weight",
        ["k"] = "k_proj.weight",
        ["v"] = "v_proj.weight",
        ["o"] = "o_proj.weight",
        ["head_norm"] = "head_norm.weight",
    };

    /// <summary>Whether a safetensors file is such a golden file.</summary>
    public static bool IsGolden(SafetensorsReader file) =>
        file.Metadata.ContainsKey("variant") && file.Tensors.ContainsKey("probe");

    /// <summary>Checks the metadata, and the shapes of the tensors.</summary>
    /// <param name="file">An open golden file.</param>
    /// <exception cref="CrossheadException">The file lacks something, or contradicts itself.</exception>
    public static void Check(SafetensorsReader file) => _ = new GoldenShape(file);

    /// <summary>Computes the layer and its gradients and compares.</summary>
    /// <param name="file">An open golden file.</param>
    /// <param name="type">Precision to compute in.</param>
    /// <param name="device">Device to compute on.</param>
    /// <exception cref="CrossheadException">The file lacks something, or contradicts itself.</exception>
    public static VerificationCase Verify(SafetensorsReader file, ScalarType type, Device device)
    {
        var shape = new GoldenShape(file);
        using var all = NewDisposeScope();
        var scope = new ParameterScope(type, device);
        using var attention = AttentionFactory.Create(scope, shape.Dim, shape.Options, shape.LayerIndex);
        Load(file, scope);

        var x = file.Read("x").to(type, device).requires_grad_(true);
        var length = x.shape[1];
        using var rotary = new RotaryEmbedding(shape.HeadDim, length, shape.RopeBase,
            Runtime.Precision.MasterOf(type), device);
        var (cos, sin) = rotary.Rows(0, length);
        var output = attention.Forward(x, new TokenView(cos, sin, null, Causal: true));
        output.backward([file.Read("probe").to(type, device)]);

        var gradients = scope.Parameters.Select(p => (Golden: $"grad.{GoldenName(p.Name)}", Tensor: p.Value.grad!))
            .Append((Golden: "grad.x", Tensor: x.grad!));
        var (absolute, relative) = Difference(output, file.Read("out"));
        var gradient = gradients.Max(g => Difference(g.Tensor, file.Read(g.Golden)).Relative);
        foreach (var parameter in scope.Parameters) parameter.Dispose();
        return new VerificationCase(file.Path, absolute, relative, gradient, null,
            Math.Max(relative, gradient) <= Tolerance(type), Tolerance(type));
    }

    /// <summary>
    /// Largest relative error that passes: 1e-9 in float64, 1e-4 in float32, 0.1 in bfloat16 (λ of the differential
    /// variant is a difference).
    /// </summary>
    public static double Tolerance(ScalarType type) =>
        type switch { ScalarType.Float64 => 1e-9, ScalarType.Float32 => 1e-4, _ => 0.1 };

    private static void Load(SafetensorsReader file, ParameterScope scope)
    {
        using var grad = no_grad();
        foreach (var parameter in scope.Parameters)
        {
            var golden = file.Read($"weight.{GoldenName(parameter.Name)}");
            if (!golden.shape.SequenceEqual(parameter.Value.shape))
                throw new CrossheadException($"\"{file.Path}\": weight \"{parameter.Name}\" has shape "
                    + $"[{string.Join(", ", golden.shape)}], expected [{string.Join(", ", parameter.Value.shape)}].");
            parameter.Value.copy_(golden);
        }
    }

    private static string GoldenName(string parameter) =>
        ParameterNames.FirstOrDefault(p => p.Value == parameter).Key ?? parameter;

    private static (double Absolute, double Relative) Difference(Tensor actual, Tensor expected)
    {
        var wanted = expected.to(ScalarType.Float64);
        var absolute = (actual.detach().cpu().to(ScalarType.Float64) - wanted).abs().max().item<double>();
        return (absolute, absolute / wanted.abs().max().item<double>());
    }
}
