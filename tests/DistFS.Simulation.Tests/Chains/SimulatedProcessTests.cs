using DistFS.Primitives;
using DistFS.Simulation.Chains;

namespace DistFS.Simulation.Tests.Chains;

/// <summary>What goes on in a process goes on when the queue says so, on the world's thread, or not at all.</summary>
public sealed class SimulatedProcessTests
{
    [Fact]
    public void AllWhoAwaitOneTaskGoOnOnTheWorldsThread() => OnAThread(() =>
    {
        var world = new ChainWorld(1, SimulationSize.Light);
        var process = new SimulatedProcess(world, "p");
        var source = process.NewSource();
        var here = Environment.CurrentManagedThreadId;
        var went = new List<int>();
        for (var i = 0; i < 5; i++)
        {
            var number = i;
            process.Start(() => WaitAsync(number));
        }

        while (world.Queue.RunOne(1_000))
        {
            // Until all wait.
        }

        process.Complete(source);
        while (world.Queue.RunOne(2_000))
        {
            // Until all have gone on.
        }

        Assert.Equal([0, 1, 2, 3, 4], went);

        async Task WaitAsync(int who)
        {
            await process.Shared(source.Task).ConfigureAwait(false);
            Assert.Equal(here, Environment.CurrentManagedThreadId);
            went.Add(who);
        }
    });

    [Fact]
    public void WhatComesToAPausedProcessWaitsAndToAKilledOneIsLost() => OnAThread(() =>
    {
        var world = new ChainWorld(1, SimulationSize.Light);
        var process = new SimulatedProcess(world, "p");
        var done = 0;
        process.Pause(10_000);
        process.Post(() => done++);
        Run(5_000);
        Assert.Equal(0, done);
        Run(20_000);
        Assert.Equal(1, done);
        process.Post(() => done++);
        process.Kill();
        Run(30_000);
        Assert.Equal(1, done);

        void Run(long until)
        {
            while (world.Queue.RunOne(until))
            {
                // On.
            }
        }
    });

    [Fact]
    public void WhatGoesOnElsewhereFailsTheWorld() => OnAThread(() =>
    {
        var world = new ChainWorld(1, SimulationSize.Light);
        var process = new SimulatedProcess(world, "p");
        var other = new Thread(() => process.Post(static () => { }));
        other.Start();
        other.Join();
        Assert.Throws<InvariantException>(world.Run);
    });

    /// <summary>Without the test framework's context, as worlds run.</summary>
    private static void OnAThread(Action what)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Check.ThrowInsteadOfFailFast();
                what();
            }
            catch (Exception error)
            {
                failure = error;
            }
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }
}
