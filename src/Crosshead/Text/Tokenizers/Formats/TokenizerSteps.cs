using Crosshead.Files;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>The components of a tokenizer.json: normalizers, pre-tokenizers, decoders and post-processors.</summary>
internal static class TokenizerSteps
{
    /// <summary>What kind of component it is.</summary>
    public static string? Kind(this JsonPart component) => component.Text("type");

    /// <summary>The components of a <c>Sequence</c>, nested ones in line, or the one there is, or none.</summary>
    public static List<JsonPart> Steps(this JsonPart? component, string list) =>
        component is not { } some ? [] : some.Kind() == "Sequence"
        ? [.. some.Required(list).Items().SelectMany(step => Steps(step, list))] : [some];

    /// <summary>The kinds of components, for errors.</summary>
    public static string Describe(this List<JsonPart> steps) =>
        steps.Count == 0 ? "(none)" : string.Join(", ", steps.Select(Kind));
}
