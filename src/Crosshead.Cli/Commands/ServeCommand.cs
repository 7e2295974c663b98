using System.CommandLine;
using System.Diagnostics;
using Crosshead.Cli.Options;
using Crosshead.Cli.Serve;
using Crosshead.Cli.Terminal;
using Crosshead.Server;
using Crosshead.Server.Hosting;
using Crosshead.Server.Loading;
using Crosshead.Serving;
using Crosshead.TextModels;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead serve</c>: a model over HTTP, for many clients at once.</summary>
internal sealed class ServeCommand : CliCommand
{
    /// <summary>The command's name.</summary>
    public const string CommandName = "serve";

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly ServeArguments _serve;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public ServeCommand() : base(CommandName,
        "Serve a model over HTTP with OpenAI's interface. Ctrl-C lets running answers end, and stops.",
        "crosshead serve models/llama",
        "crosshead serve models/llama --port 9000 --max-context 8192 --cache-memory 8GiB",
        "crosshead serve models/llama --host 0.0.0.0 --api-key-file keys.txt --served-name llama")
    {
        Arguments.Add(_model);
        _serve = new ServeArguments(this);
        _compute = new ComputeOptions(this, "float32 on a processor, bfloat16 on a GPU", decodes: true);
    }

    /// <inheritdoc/>
    public override string Stopping => "stopping the server";

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var server = _serve.Server(arguments);
        var files = ModelSource.Open(arguments.GetRequiredValue(_model), _compute.DecodesWithTensors(arguments));
        var options = _serve.Model(arguments, _compute.DecodingDevice(arguments), _compute.Type(arguments));
        options = options with
        {
            Cache = _compute.Cache(arguments, options.Type, options.Device!),
            Activations = _compute.Activations(arguments),
        };
        LoadedModel.Check(files, options);
        return (output, cancellation) => Serve(files, server, options, output, cancellation).GetAwaiter().GetResult();
    }

    private static async Task<int> Serve(ModelSource files, ServerOptions options, LoadOptions load,
        CommandOutput output, CancellationToken cancellation)
    {
        var screen = new ServeScreen(output);
        await using var server = await ModelServer.StartAsync(options, output.Message, cancellation);
        screen.Warn(options);
        ModelRemarks.Tell(files.Remarks, output);
        output.Message($"listening at {server.Address}; reading the weights of {files.Path}.");
        var clock = Stopwatch.StartNew();
        using var model = LoadedModel.Load(files, load, server.Loading);
        server.Serve(model.Served);
        screen.Show(server, model.Served, clock.Elapsed);
        while (!cancellation.IsCancellationRequested && model.Served.Engine.State != EngineState.Failed)
            await Task.Delay(s_look, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
        if (model.Served.Engine.Failure is { } failure)
        {
            output.Message($"the engine has failed: {failure}");
            await server.StopAsync();
            return ExitCode.AnswerIsNo;
        }
        output.Message($"letting running answers end, for at most {Quantity.Time(options.Drain)}.");
        await server.StopAsync();
        return ExitCode.Done;
    }
}
