namespace Crosshead.Text.Tokenizers.Models;

/// <summary>
/// Removes spaces before English punctuation and contractions, like Transformers' <c>clean_up_tokenization</c>. Word
/// tokenizers left such spaces.
/// </summary>
internal static class SpaceCleanup
{
    // In this order, each over the whole text.
    private static readonly (string Found, string Written)[] s_replacements =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"),
        (" 've", "'ve"), (" 're", "'re"),
    ];

    /// <summary>The text without them.</summary>
    public static string Of(string text) =>
        s_replacements.Aggregate(text, (cleaned, r) => cleaned.Replace(r.Found, r.Written, StringComparison.Ordinal));
}
