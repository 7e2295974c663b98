namespace Crosshead.Data;

/// <summary>What preparing data needs of a tokenizer: text to token ids, and who the tokenizer is.</summary>
public interface ITextEncoder
{
    /// <summary>How many ids there are; every id is in 0 … size − 1.</summary>
    int VocabularySize { get; }

    /// <summary>The id written after every document.</summary>
    int EndToken { get; }

    /// <summary>A hash of everything that decides the ids; two tokenizers with the same hash give the same ids.</summary>
    string Hash { get; }

    /// <summary>
    /// Appends the ids of a text to <paramref name="ids"/>, without begin or end tokens. Text that reads like a special
    /// token is ordinary text here, so no document can forge an end. May be called from many threads at once.
    /// </summary>
    void Encode(ReadOnlySpan<char> text, List<int> ids);
}
