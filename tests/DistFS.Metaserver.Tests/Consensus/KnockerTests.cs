using System.Threading.Channels;
using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Who looks whether anybody is left at an address.</summary>
public sealed class KnockerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Channel<TaskCompletionSource<bool>> _looks =
        Channel.CreateUnbounded<TaskCompletionSource<bool>>();

    private readonly Knocker _knocker;

    public KnockerTests() => _knocker = new Knocker(() =>
    {
        var look = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Assert.True(_looks.Writer.TryWrite(look));
        return look.Task;
    });

    [Fact]
    public async Task ItLooksAgainUntilItFindsSomething()
    {
        _knocker.Knock();
        (await NextAsync()).SetResult(false);
        (await NextAsync()).SetResult(false);
        (await NextAsync()).SetResult(true);
        _knocker.Knock();
        await NextAsync();
    }

    [Fact]
    public async Task ALossDuringALookIsLookedAtAfterIt()
    {
        _knocker.Knock();
        var look = await NextAsync();
        _knocker.Knock();
        look.SetResult(true);

        // Nobody knocks here: it is the one from above.
        (await NextAsync()).SetResult(true);
    }

    /// <summary>What stood still in the middle goes on: a second that passed without a look is none.</summary>
    [Fact]
    public async Task ItGivesUpAfterLooksNotAfterATime()
    {
        _knocker.Knock();
        for (var i = 0; i < 100; i++)
        {
            (await NextAsync()).SetResult(false);
        }

        // Given up, and not yet ready for the next one until it says so: knocked until it looks.
        var next = NextAsync();
        while (!next.IsCompleted)
        {
            _knocker.Knock();
            await Task.Yield();
        }

        (await next).SetResult(true);
    }

    [Fact]
    public async Task ThereIsOneLookAtATime()
    {
        for (var i = 0; i < 100; i++)
        {
            _knocker.Knock();
        }

        var look = await NextAsync();
        Assert.False(_looks.Reader.TryRead(out _));
        look.SetResult(true);
        (await NextAsync()).SetResult(true);
    }

    private async Task<TaskCompletionSource<bool>> NextAsync() =>
        await _looks.Reader.ReadAsync().AsTask().WaitAsync(Limit);
}
