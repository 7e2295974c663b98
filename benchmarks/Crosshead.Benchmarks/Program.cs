using BenchmarkDotNet.Running;
using Crosshead.Benchmarks;

// Comparisons take turns within one process; everything else is BenchmarkDotNet's.
if (args is ["cache", .. var rest]) CacheComparison.Run(rest is [var rounds] ? int.Parse(rounds) : 101);
else BenchmarkSwitcher.FromAssembly(typeof(CacheComparison).Assembly).Run(args);
