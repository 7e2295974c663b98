using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>Reads the post-processor of a tokenizer.json: which tokens it puts around a text.</summary>
internal static class TokenizerTemplate
{
    /// <summary>
    /// Adds what the file says to <paramref name="definition"/>; <paramref name="name"/> is what errors call the file.
    /// </summary>
    public static TokenizerDefinition Read(JsonPart root, TokenizerDefinition definition, string name)
    {
        // A byte-level post-processor moves offsets only.
        var steps = root.Child("post_processor").Steps("processors").Where(step => step.Kind() != "ByteLevel").ToList();
        if (steps.Count == 0)
            return definition;
        UnsupportedTokenizer.Unless(steps.Count == 1, name, $"the post-processors {steps.Describe()} together");
        var (prefix, suffix) = steps[0].Kind() switch
        {
            "TemplateProcessing" => ReadTemplate(steps[0], definition.Vocabulary, name),
            "BertProcessing" or "RobertaProcessing" => ([Pair(steps[0], "cls", definition.Vocabulary, name)],
                [Pair(steps[0], "sep", definition.Vocabulary, name)]),
            _ => (null, (List<int>?)null),
        };
        UnsupportedTokenizer.Unless(prefix is not null, name, $"the post-processor {steps[0].Kind()}");
        return definition with { Prefix = prefix!, Suffix = suffix! };
    }

    private static (List<int>? Prefix, List<int>? Suffix) ReadTemplate(JsonPart step,
        Vocabulary vocabulary, string name)
    {
        var parts = step.Required("single").Items();
        var texts = parts.FindAll(part => part.Child("SpecialToken") is null);
        UnsupportedTokenizer.Unless(texts.Count == 1 && texts[0].Required("Sequence").Text("id") == "A", name,
            $"a template with {texts.Count} texts");
        var text = parts.FindIndex(part => part.Child("SpecialToken") is null);
        List<int> Ids(IEnumerable<JsonPart> side) => [.. side.SelectMany(
            part => IdsOf(part.Required("SpecialToken").Text("id") ?? "", step, vocabulary, name))];
        return (Ids(parts.Take(text)), Ids(parts.Skip(text + 1)));
    }

    // A name of the template stands for the ids that its own table gives.
    private static List<int> IdsOf(string token, JsonPart step, Vocabulary vocabulary, string name)
    {
        var ids = step.Child("special_tokens")?.Child(token) is { } entry
            ? entry.Required("ids").Items().ConvertAll(id => id.Whole())
            : vocabulary.IdOf(token) is { } own ? [own] : [];
        if (ids.Count == 0 || ids.Exists(id => vocabulary.TokenOf(id) is null))
            throw new CrossheadException(
                $"{name}: the template's token \"{token.Shown()}\" is not in the vocabulary; the file is damaged.");
        return ids;
    }

    private static int Pair(JsonPart step, string side, Vocabulary vocabulary, string name)
    {
        var pair = step.Required(side).Items();
        return pair.Count == 2 && pair[1].Whole() is var id && vocabulary.TokenOf(id) is not null ? id
            : throw step.Required(side).Wrong("a token of the vocabulary and its id");
    }
}
