using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The option <c>--chat-template</c>, the same in every command that writes conversations as text.</summary>
internal static class ChatTemplateOption
{
    /// <summary>The option's name.</summary>
    public const string Name = "--chat-template";

    /// <summary>Makes the option.</summary>
    public static Option<string?> Create() => new(Name)
    {
        Description = "File with a chat template to use instead of the model's own.",
        HelpName = "file",
    };
}
