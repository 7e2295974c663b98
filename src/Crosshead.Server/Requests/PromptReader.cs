using System.Text.Json;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Server.Requests;

/// <summary>Reads prompts: a text, several, a list of ids, or several of those.</summary>
internal static class PromptReader
{
    private const string Kinds = "a text, a list of texts, a list of ids, or a list of lists of ids";

    /// <summary>The prompts of a request for completions.</summary>
    /// <exception cref="ApiException">There is none, one is empty, or kinds are mixed.</exception>
    public static IReadOnlyList<Prompt> Read(FieldValues values, ServedModel model, bool addsSpecial, int most)
    {
        var field = CompletionFields.Prompt;
        if (values[field] is not { } value)
            throw new ApiException(400, "missing", "prompt is missing; send " + Kinds + ".", field.Name);
        Prompt Encoded(JsonElement text, string name) => OfText(text.GetString()!, name, model.Tokenizer, addsSpecial);
        if (value.ValueKind == JsonValueKind.String) return [Encoded(value, field.Name)];
        if (value.ValueKind != JsonValueKind.Array)
            throw ApiException.Invalid(field.Name, $"prompt ({value.Shown()}) must be {Kinds}.");
        var count = value.GetArrayLength();
        if (count == 0) throw Empty(field.Name);
        if (value[0].ValueKind == JsonValueKind.Number)
            return [new Prompt(Ids(value, field.Name, model.VocabularySize), null)];
        if (count > most)
            throw ApiException.Invalid(field.Name,
                $"prompt has {count} prompts; send at most {most} in one request.");
        var kind = value[0].ValueKind;
        if (kind is not (JsonValueKind.String or JsonValueKind.Array)) throw Mixed(value[0], 0);
        return [.. value.EnumerateArray().Select((item, i) => item.ValueKind != kind ? throw Mixed(item, i)
            : kind == JsonValueKind.String ? Encoded(item, $"{field.Name}[{i}]")
            : new Prompt(NonEmpty(item, $"{field.Name}[{i}]", model.VocabularySize), null))];
    }

    /// <summary>A list of tokens' ids.</summary>
    /// <param name="value">The list.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="vocabulary">Number of logits.</param>
    /// <exception cref="ApiException">It is no list, or an item is no token of the model.</exception>
    public static int[] Ids(JsonElement value, string name, int vocabulary)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw ApiException.Invalid(name, $"{name} ({value.Shown()}) must be a list of ids.");
        var ids = new int[value.GetArrayLength()];
        var i = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (!FieldValues.TryInteger(item, out var id) || id < 0 || id >= vocabulary)
                throw ApiException.Invalid(name, $"{name}[{i}] ({item.Shown()}) must be the id of a token, 0 to "
                    + $"{vocabulary - 1}: was it made with another tokenizer?");
            ids[i++] = (int)id;
        }
        return ids;
    }

    /// <summary>The prompt of a text.</summary>
    /// <exception cref="ApiException">The text is empty, or gives no tokens.</exception>
    public static Prompt OfText(string text, string name, Tokenizer tokenizer, bool addsSpecial)
    {
        if (text.Length == 0) throw Empty(name);
        var ids = tokenizer.Encode(text, addsSpecial);
        return ids.Length > 0 ? new Prompt(ids, text) : throw ApiException.Invalid(name,
            $"{name} has no tokens in this model's vocabulary; send another text.");
    }

    private static int[] NonEmpty(JsonElement value, string name, int vocabulary) =>
        Ids(value, name, vocabulary) is { Length: > 0 } ids ? ids : throw Empty(name);

    private static ApiException Mixed(JsonElement item, int index) => ApiException.Invalid("prompt",
        $"prompt[{index}] ({item.Shown()}) is of another kind than allowed or than the items before; prompt must be "
        + Kinds + ".");

    private static ApiException Empty(string name) =>
        ApiException.Invalid(name, $"{name} is empty; send at least one character or token.");
}
