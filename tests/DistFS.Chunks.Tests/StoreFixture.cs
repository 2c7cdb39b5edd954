namespace DistFS.Chunks.Tests;

/// <summary>A kind of store under the tests that all stores pass.</summary>
public interface IStoreFixture : IAsyncDisposable
{
    IChunkStore Store { get; }

    /// <summary>The power fails, and the store is started again. What was not durable may be there or not.</summary>
    Task CrashAsync();

    /// <summary>The store is closed and opened again.</summary>
    Task RestartAsync();
}

/// <summary>The store in memory.</summary>
public sealed class MemoryFixture : IStoreFixture
{
    private readonly MemoryChunkStore _store = new(new StoreId(1));

    public IChunkStore Store => _store;

    public Task CrashAsync()
    {
        _store.Crash();
        return Task.CompletedTask;
    }

    public async Task RestartAsync()
    {
        await _store.DisposeAsync();
        _store.Crash();
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();
}
