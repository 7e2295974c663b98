using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.TextModels.Verification;

/// <summary>The stored results of a model, checked against its shape.</summary>
/// <param name="Ids">[B,N] int64: texts.</param>
/// <param name="Logits">[B,N,V]: the logits after each token, in the stored type.</param>
/// <param name="Greedy">A prompt and its greedy continuation; null if none is stored.</param>
/// <param name="Prompt">Tokens of that prompt.</param>
internal sealed record StoredResults(Tensor Ids, Tensor Logits, int[]? Greedy, int Prompt)
{
    private const string Texts = "input_ids", Results = "logits", Begin = "prompt", Whole = "greedy";

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The shape of the model.</param>
    /// <exception cref="CrossheadException">It cannot be read, or holds results of another model or none.</exception>
    public static StoredResults Read(string path, ModelOptions model)
    {
        using var file = SafetensorsReader.Open(path);
        var ids = Tokens(file, path, Texts, model);
        long[] shape = ids.shape;
        if (shape is not [> 0, > 0])
            throw Wrong(path, Texts, shape, "[texts, tokens], at least 1 of each");
        if (shape[1] > model.Context)
            throw Wrong(path, Texts, shape, $"at most {model.Context} tokens long, the model's context");
        var logits = file.Read(Results);
        if (!logits.shape.SequenceEqual([.. shape, model.VocabularySize]))
            throw Wrong(path, Results, logits.shape, $"[{shape[0]}, {shape[1]}, {model.VocabularySize}], a number for "
                + $"each token of {Texts} and of the vocabulary");
        if (!file.Tensors.ContainsKey(Whole)) return new StoredResults(ids, logits, null, 0);

        var (prompt, whole) = (Row(Begin), Row(Whole));
        if (prompt.Length == 0 || whole.Length <= prompt.Length || !whole.AsSpan().StartsWith(prompt))
            throw new CrossheadException($"\"{path}\": {Whole} ({whole.Length} tokens) must be the {Begin} "
                + $"({prompt.Length} tokens) and more; store the results again.");
        return new StoredResults(ids, logits, whole, prompt.Length);

        int[] Row(string name) =>
            [.. Tokens(file, path, name, model).reshape(-1).data<long>().ToArray().Select(id => (int)id)];
    }

    private static Tensor Tokens(SafetensorsReader file, string path, string name, ModelOptions model)
    {
        var tokens = file.Read(name);
        if (is_floating_point(tokens) || is_complex(tokens))
            throw new CrossheadException($"\"{path}\": {name} has numbers of the type {file.Tensors[name].Type}, but "
                + "ids of tokens are whole numbers; store the results again.");
        tokens = tokens.to(ScalarType.Int64).contiguous();
        foreach (var id in tokens.data<long>())
            if (id < 0 || id >= model.VocabularySize)
                throw new CrossheadException($"\"{path}\": {name} has the id {id}, but the model's ids go from 0 to "
                    + $"{model.VocabularySize - 1}; use the results of this model.");
        return tokens;
    }

    private static CrossheadException Wrong(string path, string name, long[] shape, string wanted) =>
        new($"\"{path}\": {name} has the shape [{string.Join(", ", shape)}], but must be {wanted}; store the results "
            + "again.");
}
