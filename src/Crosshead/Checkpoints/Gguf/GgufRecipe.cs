using System.Globalization;
using System.Text.RegularExpressions;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// Says which type each tensor of a GGUF file gets. A name such as <c>q4_k_m</c> is a recipe: tensors that suffer most
/// from few bits get more. The recipes are llama.cpp's.
/// </summary>
public sealed partial class GgufRecipe
{
    /// <summary>The name of the head; a model without it uses the embedding.</summary>
    internal const string Head = "output.weight";

    /// <summary>The key of the recipe's number, and that of how blocks are laid out.</summary>
    internal const string FileTypeKey = "general.file_type", VersionKey = "general.quantization_version";

    private const uint Version = 2;

    private static readonly GgufType s_f16 = GgufType.Named("F16"), s_f32 = GgufType.Named("F32"),
        s_bf16 = GgufType.Named("BF16"), s_q5 = GgufType.Named("Q5_K"),
        s_q6 = GgufType.Named("Q6_K"), s_q8 = GgufType.Named("Q8_0");

    // What a type becomes whose blocks are longer than a row, or cut it.
    private static readonly Dictionary<string, GgufType> s_smaller = new()
    {
        ["Q4_K"] = GgufType.Named("Q5_0"),
        ["Q5_K"] = GgufType.Named("Q5_1"),
        ["Q6_K"] = s_q8,
    };

    private readonly GgufType _type;
    private readonly Blend _blend;

    private GgufRecipe(string name, uint fileType, string type, Blend blend = Blend.None) =>
        (Name, FileType, _type, _blend) = (name, fileType, GgufType.Named(type), blend);

    // Which layers get more bits.
    private enum Blend
    {
        None,
        Few, // "S"
        Many, // "M"
    }

    /// <summary>All recipes.</summary>
    public static IReadOnlyList<GgufRecipe> All { get; } =
    [
        new("f32", 0, "F32"),
        new("f16", 1, "F16"),
        new("bf16", 32, "BF16"),
        new("q8_0", 7, "Q8_0"),
        new("q6_k", 18, "Q6_K"),
        new("q5_k_m", 17, "Q5_K", Blend.Many),
        new("q5_k_s", 16, "Q5_K"),
        new("q5_1", 9, "Q5_1"),
        new("q5_0", 8, "Q5_0"),
        new("q4_k_m", 15, "Q4_K", Blend.Many),
        new("q4_k_s", 14, "Q4_K", Blend.Few),
        new("q4_1", 3, "Q4_1"),
        new("q4_0", 2, "Q4_0"),
    ];

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The number of <c>general.file_type</c>.</summary>
    public uint FileType { get; }

    /// <summary>Whether numbers share blocks, so that the file is smaller and its weights less exact.</summary>
    public bool IsQuantized => _type.BlockSize > 1;

    /// <summary>The recipe of this name, in upper or lower case.</summary>
    /// <exception cref="CrossheadException">There is none.</exception>
    public static GgufRecipe Named(string name) =>
        All.FirstOrDefault(recipe => recipe.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new CrossheadException($"\"{name.Shown()}\" is no type of GGUF files; "
            + Suggestion.For(name, All.Select(recipe => recipe.Name)));

    /// <summary>Its name.</summary>
    public override string ToString() => Name;

    /// <summary>Adds the keys that say what a file was made by.</summary>
    internal void Describe(GgufWriter writer)
    {
        writer.Add(FileTypeKey, FileType);
        if (IsQuantized) writer.Add(VersionKey, Version);
    }

    /// <summary>Adds the key of a file whose tensors were quantised by no recipe.</summary>
    internal static void DescribeMixture(GgufWriter writer) => writer.Add(VersionKey, Version);

    /// <summary>The type of a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its sizes, the row's length last.</param>
    /// <param name="model">The model.</param>
    internal GgufType TypeOf(string name, IReadOnlyList<long> shape, GgufModelFacts model)
    {
        // Vectors, also those of experts, and what chooses among experts, are small and must be exact.
        if (shape.Count == 1 || name.EndsWith(".bias", StringComparison.Ordinal)
            || name.Contains("ffn_gate_inp", StringComparison.Ordinal)) return s_f32;
        if (!IsQuantized) return _type;
        var type = Wanted(name, model);
        while (shape[^1] % type.BlockSize != 0) type = s_smaller.GetValueOrDefault(type.Name, s_f16);
        return type;
    }

    /// <summary>The type of a parameter in a file of a model directory, where it has its own name.</summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="model">The model.</param>
    internal GgufType TypeOfParameter(string parameter, IReadOnlyList<long> shape, GgufModelFacts model)
    {
        var name = GgufNames.Find(parameter, out _);
        // Mixes of heads are small, and so is what else the format does not know.
        return name is null && IsQuantized && shape.Count > 1 ? s_bf16 : TypeOf(name ?? parameter, shape, model);
    }

    private GgufType Wanted(string name, GgufModelFacts model)
    {
        if (name == Head || (model.IsTied && name == "token_embd.weight"))
            return _type == s_q8 ? s_q8 : s_q6;
        if (LayerTensor().Match(name) is not { Success: true } match) return _type;
        var layer = int.Parse(match.Groups["layer"].ValueSpan, CultureInfo.InvariantCulture);
        var eight = model.Experts == 8; // attention is then a small part of the model
        return match.Groups["part"].Value switch
        {
            "attn_k" or "attn_v" when eight => s_q8,
            "attn_output" when eight && _type.Name == "Q4_K" => s_q5,
            "attn_v" when _blend == Blend.Few && layer < 4 => s_q5,
            "ffn_down" when _blend == Blend.Few && layer < model.Layers / 8 => s_q5,
            "attn_v" or "ffn_down" when _blend == Blend.Many && HasMany(layer, model.Layers) => s_q6,
            "attn_qkv" when _blend == Blend.Many => _type.Name == "Q4_K" ? s_q5 : s_q6,
            _ => _type,
        };
    }

    // The first and the last eighth of the layers, and each third one between.
    private static bool HasMany(int layer, int layers) =>
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;

    [GeneratedRegex(@"^blk\.(?<layer>\d{1,9})\.(?<part>attn_k|attn_v|attn_qkv|attn_output|ffn_down)(_exps)?\.weight$",
        RegexOptions.ExplicitCapture)]
    private static partial Regex LayerTensor();
}
