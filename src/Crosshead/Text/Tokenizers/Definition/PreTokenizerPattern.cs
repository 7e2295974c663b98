namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// The regular expression that cuts text into words before byte pairs are merged inside each word. A letter is
/// <c>\p{L}</c>, a number <c>\p{N}</c>, both of any script.
/// </summary>
public enum PreTokenizerPattern
{
    /// <summary>
    /// GPT-2's: a word takes at most one space before it, numbers may have any length, English contractions in
    /// lower case are split off. Written in tokenizer.json as <c>ByteLevel</c> with <c>use_regex</c>.
    /// </summary>
    Gpt2,

    /// <summary>
    /// Llama 3's (GPT-4's): a word may take any one character before it, numbers are cut into groups of at most
    /// three digits, line ends stay together. Written as <c>Split</c> and <c>ByteLevel</c>.
    /// </summary>
    Llama3,

    /// <summary>Qwen 2's: as <see cref="Llama3"/>, every digit alone.</summary>
    Qwen2,

    /// <summary>
    /// SmolLM's: every digit alone, then <see cref="Gpt2"/> between them. Written as <c>Digits</c> and
    /// <c>ByteLevel</c>.
    /// </summary>
    Gpt2Digits,

    /// <summary>
    /// Tekken's, of Mistral's models since Mistral Nemo: as <see cref="Qwen2"/>, but a word also ends where a small
    /// letter is before a capital, marks belong to words, and contractions are not split off. Written as
    /// <c>Split</c> and <c>ByteLevel</c>.
    /// </summary>
    Tekken,
}
