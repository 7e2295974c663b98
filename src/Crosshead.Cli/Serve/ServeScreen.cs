using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Cli.Terminal;
using Crosshead.Server;
using Crosshead.Server.Hosting;

namespace Crosshead.Cli.Serve;

/// <summary>Shows what is served, once it is.</summary>
/// <param name="output">Where it is shown.</param>
internal sealed class ServeScreen(CommandOutput output)
{
    /// <summary>Warns about a server that anybody can use.</summary>
    public void Warn(ServerOptions options)
    {
        if (!options.IsLocal && options.ApiKeys.Count == 0)
            output.Message($"warning: everybody who reaches {options.Address} can use the model; give --api-key-file, "
                + "or listen at 127.0.0.1.");
    }

    /// <summary>Shows the model, the limits, the defaults and the address.</summary>
    public void Show(ModelServer server, ServedModel model, TimeSpan loaded)
    {
        var (engine, facts, sampling) = (model.Engine, model.Facts, model.Defaults);
        var pages = engine.Statistics.Pages;
        output.Table(new ResultTable("property", "value")
            .Row("model", $"{string.Join(", ", model.Names)} ({model.Root})")
            .Row("variant", $"{facts["variant"]}, {facts["dtype"]} on {facts["device"]}")
            .Row("loaded in", Quantity.Time(loaded))
            .Row("cache a token", Quantity.Bytes((long)facts["cache_bytes_per_token"]!))
            .Row("cache", $"{Quantity.Bytes((long)facts["cache_bytes"]!)}: {pages} pages of "
                + $"{facts["page_tokens"]} tokens")
            .Row("context in force", $"{engine.Context} tokens")
            .Row("answers side by side", Number(engine.Slots))
            .Row("waiting requests", $"up to {engine.Options.MaxQueued}, with {engine.Options.MaxQueuedTokens} tokens")
            .Row("prefix cache", engine.Options.PrefixCache ? "on" : "off")
            .Row("chat template", model.ChatTemplate is null ? "none: no chat" : "yes")
            .Row("defaults", $"temperature {Number(sampling.Temperature)}, top-k {sampling.TopK}, top-p "
                + $"{Number(sampling.TopP)}, min-p {Number(sampling.MinP)}, repetition penalty "
                + Number(sampling.RepetitionPenalty)));
        output.Line($"Serving at {server.Address}v1; Ctrl-C stops.");
        output.Result(new JsonObject
        {
            ["url"] = $"{server.Address}v1",
            ["model"] = model.Names[0],
            ["names"] = CommandOutput.List(model.Names, n => JsonValue.Create(n)),
            ["root"] = model.Root,
            ["variant"] = facts["variant"]?.DeepClone(),
            ["device"] = facts["device"]?.DeepClone(),
            ["dtype"] = facts["dtype"]?.DeepClone(),
            ["cacheBytesPerToken"] = facts["cache_bytes_per_token"]?.DeepClone(),
            ["cacheBytes"] = facts["cache_bytes"]?.DeepClone(),
            ["pages"] = pages,
            ["pageTokens"] = facts["page_tokens"]?.DeepClone(),
            ["context"] = engine.Context,
            ["sequences"] = engine.Slots,
            ["prefixCache"] = engine.Options.PrefixCache,
            ["chat"] = model.ChatTemplate is not null,
            ["defaults"] = new JsonObject
            {
                ["temperature"] = sampling.Temperature,
                ["topK"] = sampling.TopK,
                ["topP"] = sampling.TopP,
                ["minP"] = sampling.MinP,
                ["repetitionPenalty"] = sampling.RepetitionPenalty,
            },
            ["seconds"] = loaded.TotalSeconds,
        });
    }

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
