namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>Turns text into the tokens of the tested model, and back.</summary>
internal interface IPromptTokens
{
    /// <summary>All tokens that a prompt may have; empty if they are not known.</summary>
    IReadOnlyList<int> Vocabulary { get; }

    /// <summary>The tokens of a text, without a begin token.</summary>
    /// <exception cref="CrossheadException">The text cannot be turned into tokens.</exception>
    int[] Encode(string text);

    /// <summary>The text of tokens.</summary>
    /// <exception cref="CrossheadException">The tokens cannot be turned into text.</exception>
    string Decode(int[] ids);
}
