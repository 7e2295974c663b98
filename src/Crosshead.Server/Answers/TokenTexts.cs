using System.Globalization;
using System.Text;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Server.Answers;

/// <summary>How log-probabilities name tokens.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="asIds">Whether a token is named by its id instead of its text.</param>
internal sealed class TokenTexts(Tokenizer tokenizer, bool asIds)
{
    /// <summary>The name of a token: its text, with U+FFFD for a part of a character.</summary>
    public string Of(int id) => asIds ? string.Create(CultureInfo.InvariantCulture, $"token_id:{id}")
        : Encoding.UTF8.GetString(tokenizer.BytesOf(id));

    /// <summary>The bytes of its text.</summary>
    public ReadOnlySpan<byte> Bytes(int id) => tokenizer.BytesOf(id);
}
