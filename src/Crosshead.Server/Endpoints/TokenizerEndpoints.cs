using System.Text.Json;
using Crosshead.Server.Answers;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Server.Requests;
using static Crosshead.Server.Fields.TokenizerFields;

namespace Crosshead.Server.Endpoints;

/// <summary>Text to tokens, tokens to text, and conversations to text.</summary>
internal static class TokenizerEndpoints
{
    /// <summary><c>POST /tokenize</c>.</summary>
    public static async Task TokenizeAsync(Exchange exchange)
    {
        var model = exchange.Model;
        var values = await exchange.ReadAsync(Tokenize);
        SettingsReader.RequireModel(values, model);
        var special = values.Switch(AddSpecial) ?? values.Switch(AddSpecialAlias);
        var texts = values.Switch(ReturnTexts) ?? false;
        int[] ids;
        if (values[ChatFields.Messages] is null) ids = model.Tokenizer.Encode(Plain(values), special ?? true);
        else ids = model.Tokenizer.Encode(Conversation(values, model), special ?? false);
        await exchange.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("count", ids.Length);
            json.WriteNumber("max_model_len", model.Engine.Context);
            StopJson.WriteIds(json, "tokens", ids);
            if (texts)
            {
                json.WriteStartArray("token_strs");
                foreach (var id in ids) json.WriteStringValue(model.Tokenizer.IdToToken(id));
                json.WriteEndArray();
            }
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /detokenize</c>.</summary>
    public static async Task DetokenizeAsync(Exchange exchange)
    {
        var model = exchange.Model;
        var values = await exchange.ReadAsync(Detokenize);
        SettingsReader.RequireModel(values, model);
        if (values[Tokens] is not { } tokens)
            throw new ApiException(400, "missing", "tokens is missing; send a list of ids.", Tokens.Name);
        var ids = PromptReader.Ids(tokens, Tokens.Name, model.Tokenizer.VocabularySize);
        var unknown = Array.FindIndex(ids, id => model.Tokenizer.IdToToken(id) is null);
        if (unknown >= 0)
            throw ApiException.Invalid(Tokens.Name,
                $"tokens[{unknown}] ({ids[unknown]}) is no token of this model; send ids that it knows.");
        var text = model.Tokenizer.Decode(ids);
        await exchange.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("prompt", text);
            json.WriteString("content", text);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /tokenizer_info</c>.</summary>
    public static Task InfoAsync(Exchange exchange)
    {
        var (model, tokenizer) = (exchange.Model, exchange.Model.Tokenizer);
        return exchange.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("eos_token", Token(tokenizer.EosTokenId));
            json.WriteString("bos_token", Token(tokenizer.BosTokenId));
            json.WriteString("pad_token", Token(tokenizer.PadTokenId));
            json.WriteString("chat_template", model.ChatTemplate?.Text);
            json.WriteEndObject();
        });

        string? Token(int? id) => id is { } known ? tokenizer.IdToToken(known) : null;
    }

    /// <summary><c>POST /apply-template</c>.</summary>
    public static async Task ApplyTemplateAsync(Exchange exchange)
    {
        var model = exchange.Model;
        var values = await exchange.ReadAsync(ChatFields.Template);
        SettingsReader.RequireModel(values, model);
        var text = Conversation(values, model);
        await exchange.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("prompt", text);
            json.WriteEndObject();
        });
    }

    private static string Conversation(FieldValues values, ServedModel model) =>
        ConversationReader.Render(values, TemplateReader.Apply(values, model), ToolReader.Tools(values));

    private static string Plain(FieldValues values)
    {
        if (values[TokenizerFields.Prompt] is not null && values[Content] is not null)
            throw ApiException.Invalid(Content.Name, "prompt and content mean the same; leave one of them out.");
        var field = values[TokenizerFields.Prompt] is null ? Content : TokenizerFields.Prompt;
        if (values[field] is not { } value)
            throw new ApiException(400, "missing", "prompt is missing; send a text as prompt or content, or messages.",
                TokenizerFields.Prompt.Name);
        return value.ValueKind == JsonValueKind.String ? value.GetString()!
            : throw ApiException.Invalid(field.Name, $"{field.Name} ({value.Shown()}) must be a text.");
    }
}
