namespace DistFS.Primitives.Tests;

public sealed class TurnstileTests
{
    private readonly Turnstile _turnstile = new(ShellScheduler.Pool, places: 2);

    [Fact]
    public async Task WhoFindsAPlaceDoesNotWait()
    {
        Assert.True(_turnstile.EnterAsync(default).AsTask().IsCompletedSuccessfully);
        Assert.True(await _turnstile.TryEnterAsync(TimeSpan.Zero));
        Assert.False(await _turnstile.TryEnterAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task ThoseWhoWaitComeInInTheirOrder()
    {
        await _turnstile.EnterAsync(default);
        await _turnstile.EnterAsync(default);
        var (first, second) = (_turnstile.EnterAsync(default).AsTask(), _turnstile.EnterAsync(default).AsTask());
        _turnstile.Leave();
        await first;
        Assert.False(second.IsCompleted);
        _turnstile.Leave();
        await second;
    }

    [Fact]
    public async Task WhoGivesUpLeavesItsTurnToTheNext()
    {
        await _turnstile.EnterAsync(default);
        await _turnstile.EnterAsync(default);
        using var stop = new CancellationTokenSource();
        var impatient = _turnstile.EnterAsync(stop.Token).AsTask();
        var next = _turnstile.EnterAsync(default).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        _turnstile.Leave();
        await next;
    }

    /// <summary>Or he could wait for ever, while others come and go.</summary>
    [Fact]
    public async Task WhoNeedsSeveralPlacesIsNotOvertaken()
    {
        await _turnstile.EnterAsync(default);
        var both = _turnstile.EnterAsync(2, default).AsTask();
        var one = _turnstile.EnterAsync(default).AsTask();
        Assert.False(await _turnstile.TryEnterAsync(TimeSpan.Zero));
        _turnstile.Leave();
        await both;
        Assert.False(one.IsCompleted);
        _turnstile.Leave(2);
        await one;
        Assert.True(await _turnstile.TryEnterAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task WhoGivesUpInFrontLetsThoseBehindIn()
    {
        await _turnstile.EnterAsync(default);
        using var stop = new CancellationTokenSource();
        var both = _turnstile.EnterAsync(2, stop.Token).AsTask();
        var one = _turnstile.EnterAsync(default).AsTask();
        Assert.False(one.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => both);
        await one;
        Assert.False(await _turnstile.TryEnterAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task MorePlacesThanThereAreAreRefused() =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => _turnstile.EnterAsync(3, default).AsTask());

    [Fact]
    public async Task NoPlaceIsLostOrMadeWhenMostGiveUp()
    {
        await Task.WhenAll(Enumerable.Range(0, 64).Select(async i =>
        {
            for (var j = 0; j < 50; j++)
            {
                if (await _turnstile.TryEnterAsync(TimeSpan.FromMilliseconds(i % 3)))
                {
                    await Task.Yield();
                    _turnstile.Leave();
                }
            }
        }));
        Assert.True(await _turnstile.TryEnterAsync(TimeSpan.Zero));
        Assert.True(await _turnstile.TryEnterAsync(TimeSpan.Zero));
        Assert.False(await _turnstile.TryEnterAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task WhoWaitsGoesOnBesideWhoLeaves()
    {
        await _turnstile.EnterAsync(default);
        await _turnstile.EnterAsync(default);
        var gate = new Lock();
        var went = EnterAndLockAsync();
        lock (gate)
        {
            // Were it on this thread, inside of the call, it would have the lock.
            _turnstile.Leave();
            Assert.False(went.IsCompleted);
        }

        await went;

        async Task EnterAndLockAsync()
        {
            await _turnstile.EnterAsync(default).ConfigureAwait(false);
            lock (gate)
            {
                // Was free.
            }
        }
    }
}
