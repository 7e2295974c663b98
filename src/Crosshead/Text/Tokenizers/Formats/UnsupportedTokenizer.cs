namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>Refuses tokenizers that cannot be followed exactly.</summary>
internal static class UnsupportedTokenizer
{
    /// <summary>Names a feature that is not supported, and the supported ones.</summary>
    public static void Unless(bool supported, string file, string feature)
    {
        if (!supported)
            throw new CrossheadException(
                $"{file} uses {feature.Shown()}, which is not supported; supported are byte-level BPE with the words "
                + $"of GPT-2, Llama 3, Qwen 2, SmolLM or Mistral Nemo, and SentencePiece's BPE as in Llama 2 and "
                + "Mistral.");
    }
}
