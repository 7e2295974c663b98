using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Text.Chat.Answers;

namespace Crosshead.Server.Requests;

/// <summary>Reads the chat template that a request may bring.</summary>
internal static class TemplateReader
{
    /// <summary>The model, with the request's template in place of its own if the request brings one.</summary>
    /// <exception cref="ApiException">The server takes none, or the template cannot be read.</exception>
    public static ServedModel Apply(FieldValues values, ServedModel model)
    {
        var field = ChatFields.RequestTemplate;
        if (values.Text(field) is not { } text) return model;
        if (model.RequestTemplate is not { } parse)
            throw ApiException.Unsupported(field.Name, "chat_template is not taken from requests by this server; leave "
                + "it out, or start the server with --allow-request-template, or with --chat-template FILE.");
        try
        {
            return model with { ChatTemplate = parse(text), AnswerFormat = AnswerFormat.Choose(text, model.Tokenizer) };
        }
        catch (CrossheadException e)
        {
            throw ApiException.Invalid(field.Name, e.Message);
        }
    }
}
