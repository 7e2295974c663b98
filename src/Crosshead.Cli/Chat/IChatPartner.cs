using Crosshead.Text.Chat;

namespace Crosshead.Cli.Chat;

/// <summary>Answers in a conversation: a model in this process, or a server.</summary>
internal interface IChatPartner : IDisposable
{
    /// <summary>The name of the model.</summary>
    string Name { get; }

    /// <summary>Writes the assistant's next turn, piece by piece.</summary>
    /// <param name="messages">The turns so far.</param>
    /// <param name="cancellation">Ends the answer early, without an exception.</param>
    /// <exception cref="CrossheadException">The conversation cannot be answered.</exception>
    IEnumerable<ChatPiece> Reply(IReadOnlyList<ChatMessage> messages, CancellationToken cancellation);
}
