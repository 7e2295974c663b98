using BenchmarkDotNet.Running;
using Crosshead;
using Crosshead.Benchmarks;
using Crosshead.Benchmarks.Llama;
using Crosshead.Benchmarks.Survival;
using Crosshead.Runtime;

if (args is ["paced", .. var pace])
{
    PacedServer.Run(pause: pace is [var pause] ? int.Parse(pause) : 25, port: 8123);
    return 0;
}
if (args is ["engine", .. var engine])
{
    await EngineComparison.RunAsync(engine is [var pass, ..] ? int.Parse(pass) : 5,
        engine is [_, var most] ? int.Parse(most) : 1000);
    return 0;
}
if (args is ["server", var tokenizer, .. var server])
{
    await ServerComparison.RunAsync(tokenizer, server is [var pass] ? int.Parse(pass) : 5);
    return 0;
}
if (args is ["survival", var served, .. var cases]) return await SurvivalTest.RunAsync(served, cases);
if (args is ["draws"])
{
    DrawSpeeds.Run();
    return 0;
}
if (args is ["weights", .. var weights])
{
    WeightSpeeds.Run(weights);
    return 0;
}
if (args is ["codes", .. var codes])
{
    CodeSpeeds.Run(codes);
    return 0;
}
LibTorch.EnsureLoaded(); // before anything names a type of TorchSharp
if (args is ["llama" or "quantization", var folder, .. var options])
{
    try
    {
        return args[0] == "llama" ? LlamaComparison.Run(folder, options) : QuantizationComparison.Run(folder);
    }
    catch (CrossheadException e)
    {
        Console.Error.WriteLine(e.Message);
        return 2;
    }
}
// Comparisons take turns within one process; everything else is BenchmarkDotNet's.
if (args is ["cache", .. var rest])
    CacheComparison.Run(rest is [var rounds, ..] ? int.Parse(rounds) : 101,
        rest is [_, var only, ..] ? Precision.Parse(only) : null, rest.ElementAtOrDefault(2),
        rest.ElementAtOrDefault(3));
else if (args is ["cache-quality", var tested, var text, .. var windows])
    CacheQuality.Run(tested, text, windows is [var most] ? int.Parse(most) : 32);
else if (args is ["step", .. var steps]) StepComparison.Run(steps is [var count] ? int.Parse(count) : 15);
else if (args is ["eval", var model, var data, .. var tasks]) PrefixComparison.Run(model, data, tasks);
else BenchmarkSwitcher.FromAssembly(typeof(CacheComparison).Assembly).Run(args);
return 0;
