using Crosshead.Generation;

namespace Crosshead.TextModels.Prompts;

/// <summary>A line of a file of prompts.</summary>
/// <param name="Index">Its index, from 0.</param>
/// <param name="Tokens">The prompt.</param>
/// <param name="Options">How it is continued.</param>
/// <param name="HasSeed">Whether it names a seed of its own.</param>
/// <param name="Head">The JSON that the line of its answer begins with, up to the answer itself.</param>
internal sealed record PromptLine(long Index, IReadOnlyList<int> Tokens, GenerationOptions Options, bool HasSeed,
    ReadOnlyMemory<byte> Head);
