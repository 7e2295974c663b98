using Crosshead.Cli.Client;
using Crosshead.Cli.LoadTesting.Measures;
using Crosshead.Cli.LoadTesting.Prompts;

namespace Crosshead.Cli.LoadTesting;

/// <summary>A load test of a server that was found ready.</summary>
internal sealed class LoadTest
{
    private const int WarmUp = -1, MostCases = 1009;

    private readonly ServerClient _client;
    private readonly LoadTestOptions _options;
    private readonly TimeProvider _time;
    private readonly ILoadDataset _dataset;

    private LoadTest(ServerClient client, LoadTestOptions options, TimeProvider time, ILoadDataset dataset,
        IPromptTokens? tokens)
    {
        (_client, _options, _time, _dataset) = (client, options, time, dataset);
        PromptForm = tokens is null ? "text; its lengths are counted in words, because the server has no /tokenize"
            : options.Form.IsChat || options.Dataset.Name == "sharegpt" ? "text" : "token ids";
    }

    /// <summary>The form of requests, with the name of the model.</summary>
    public RequestForm Form => _options.Form;

    /// <summary>The data set in words.</summary>
    public string Dataset => _dataset.Description;

    /// <summary>In which form the server gets prompts.</summary>
    public string PromptForm { get; }

    /// <summary>
    /// Finds the model, makes the data set, and sends one request that is not measured. So a server that is not there,
    /// or refuses such requests, is found before the test.
    /// </summary>
    /// <exception cref="CrossheadException">The server cannot be reached or refuses the request, or a file cannot be
    /// read.</exception>
    public static async Task<LoadTest> Prepare(ServerClient client, LoadTestOptions options, TimeProvider time,
        CancellationToken cancellation)
    {
        var model = await ServerModel.Find(client, options.Model, cancellation).ConfigureAwait(false);
        var tokens = Tokens(client, options, model, cancellation);
        var dataset = options.Dataset.Create(tokens, options.Form.IsChat, model.Context, options.Seed);
        var named = options with { Form = options.Form with { Model = model.Name } };
        var test = new LoadTest(client, named, time, dataset, tokens);
        var answer = (await test.Run(new LoadCase("warm-up", 1), [dataset.Draw(2, test.Source(WarmUp))[0]],
            _ => { }, cancellation).ConfigureAwait(false)).Requests;
        cancellation.ThrowIfCancellationRequested();
        return answer[0].Problem is { } problem
            ? throw new CrossheadException($"the first request failed, so no test was begun: {problem}")
            : test;
    }

    /// <summary>Runs a case. The prompts of each case differ, so that no case profits from another's cache.</summary>
    /// <param name="index">Index of the case.</param>
    /// <param name="ended">Called after each request, from any thread.</param>
    /// <param name="cancellation">Stops the case; the result holds what was measured until then.</param>
    public async Task<LoadResult> Run(int index, Action<RequestRecord> ended, CancellationToken cancellation)
    {
        var plan = _options.Cases[index];
        var requests = _dataset.Draw(plan.Requests, Source(index));
        return await Run(plan, requests, ended, cancellation).ConfigureAwait(false);
    }

    // Random takes the absolute value of its seed, so the sign must not tell seeds apart.
    private Random Source(int index) => new(unchecked((_options.Seed * MostCases) + index + 1) & int.MaxValue);

    private Task<LoadResult> Run(LoadCase plan, IReadOnlyList<LoadRequest> requests, Action<RequestRecord> ended,
        CancellationToken cancellation) => new LoadRunner(_client, Form, _time).Run(plan, requests,
            new Random(_options.Seed), ended, cancellation);

    private static IPromptTokens? Tokens(ServerClient client, LoadTestOptions options, ServerModel model,
        CancellationToken cancellation)
    {
        if (options.Tokenizer is { } tokenizer) return new FolderTokens(tokenizer);
        var server = new ServerTokens(client, model.Name, cancellation);
        return server.Work() ? server : null;
    }
}
