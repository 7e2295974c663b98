namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>Refuses tokenizers that cannot be followed exactly.</summary>
internal static class UnsupportedTokenizer
{
    /// <summary>Names a feature that is not supported, and the supported ones.</summary>
    public static void Unless(bool supported, string file, string feature)
    {
        if (!supported)
            throw new CrossheadException(
                $"{file} uses {feature.Shown()}, which is not supported; supported are BPE over bytes, and "
                + "SentencePiece's BPE and unigram models, as in Llama, Qwen, Mistral, Gemma, gpt-oss and DeepSeek.");
    }
}
