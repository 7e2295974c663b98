namespace Crosshead.Tests.Server.Page;

/// <summary>The tests that share the browser; they run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class ChatPageCollection : ICollectionFixture<ChatBrowser>
{
    public const string Name = "chat page";
}
