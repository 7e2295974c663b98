using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The option <c>--openai-fields-only</c>, for servers that refuse unknown fields.</summary>
internal static class OpenAiFieldsOption
{
    /// <summary>Makes the option.</summary>
    /// <param name="fields">The fields that are left out.</param>
    public static Option<bool> Create(string fields) => new("--openai-fields-only")
    {
        Description = $"Send no fields that OpenAI's interface lacks ({fields}), for servers that refuse "
            + $"unknown fields.",
    };
}
