using System.Collections.Concurrent;

namespace DistFS.Fuse.Tests.Server;

/// <summary>A server on a kernel in memory, and what it told its observer.</summary>
internal sealed class World : IFuseObserver, IAsyncDisposable
{
    public required MemoryKernel Kernel { get; init; }

    public required ScriptedFileSystem Files { get; init; }

    public ConcurrentQueue<string> Defects { get; } = [];

    public ConcurrentQueue<string> SlowOnes { get; } = [];

    public required FuseServer Server { get; init; }

    public static async Task<World> StartAsync(
        Func<FuseOptions, FuseOptions>? change = null, uint minor = 45, ulong features = ulong.MaxValue)
    {
        var world = Create(change ?? (o => o));
        (await world.Kernel.Init(minor, features)).As<FuseInitOut>();
        await world.Server.Ready.WaitAsync(MemoryKernel.Limit);
        return world;
    }

    public static World Create(Func<FuseOptions, FuseOptions> change)
    {
        var kernel = new MemoryKernel();
        var files = new ScriptedFileSystem();
        var relay = new Relay();
        var options = change(new FuseOptions
        {
            Features = FuseFeatures.AsyncRead | FuseFeatures.ReadDirPlus | FuseFeatures.FlockLocks,
            Readers = 2,
            DrainTimeout = TimeSpan.FromSeconds(5),
            Observer = relay,
        });
        var world = new World
        {
            Kernel = kernel,
            Files = files,
            Server = FuseServer.Start(kernel.NewDevice(), files, options),
        };
        relay.To = world;
        return world;
    }

    public void Defect(Opcode opcode, ulong unique, string what, Exception? error) =>
        Defects.Enqueue($"{opcode} {what} {error?.Message}");

    public void Slow(Opcode opcode, ulong unique, TimeSpan age) => SlowOnes.Enqueue($"{opcode}");

    /// <summary>Ends it, and looks for what must never be.</summary>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Assert.Empty(Kernel.Violations);
        Assert.Equal(0, Server.InFlight);
        Assert.Equal(0, Server.InFlightBytes);
        Assert.Equal(0, Kernel.OpenDevices);
    }

    /// <summary>The observer that the options name, before there is a world.</summary>
    private sealed class Relay : IFuseObserver
    {
        public World? To { get; set; }

        public void Defect(Opcode opcode, ulong unique, string what, Exception? error) =>
            To?.Defect(opcode, unique, what, error);

        public void Slow(Opcode opcode, ulong unique, TimeSpan age) => To?.Slow(opcode, unique, age);
    }
}
