using DistFS.Metadata.Placement;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement;

public sealed class ServerLivenessTests
{
    private static readonly ServerId One = new(1);
    private static readonly ServerId Two = new(2);

    private readonly ServerLiveness _liveness = new(nowMs: 1000);
    private readonly List<LivenessChange> _changes = [];
    private long _nowMs = 1000;

    [Fact]
    public void The_times_may_be_others()
    {
        var liveness = new ServerLiveness(0, suspectMs: 100, deadMs: 300);
        var changes = new List<LivenessChange>();
        liveness.Hear(new ServerId(1), 0);
        liveness.Tick(99, changes);
        Assert.Empty(changes);
        liveness.Tick(100, changes);
        liveness.Tick(300, changes);
        Assert.Equal([ServerState.Suspect, ServerState.Dead], changes.Select(change => change.State));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ServerLiveness(0, 300, 100));
    }

    [Fact]
    public void A_silent_server_is_suspect_after_3_s_and_dead_after_10()
    {
        Assert.True(_liveness.Hear(One, _nowMs));
        Run(2_900);
        Assert.Empty(_changes);
        Run(200);
        Assert.Equal([new LivenessChange(One, ServerState.Suspect)], _changes);
        Run(6_800);
        Assert.Single(_changes);
        Run(200);
        Assert.Equal(new LivenessChange(One, ServerState.Dead), _changes[1]);
        Run(60_000);
        Assert.Equal(2, _changes.Count);
        Assert.True(_liveness.Hear(One, _nowMs));
        Assert.Equal(ServerState.Up, _liveness.StateOf(One));
        Assert.False(_liveness.Hear(One, _nowMs));
    }

    [Fact]
    public void A_server_that_said_so_is_away_until_then()
    {
        _liveness.Hear(One, _nowMs);
        Assert.True(_liveness.Leave(One, 60_000, _nowMs));
        Run(59_900);
        Assert.Empty(_changes);
        Assert.Equal(ServerState.Away, _liveness.StateOf(One));
        Run(100);
        Assert.Equal([new LivenessChange(One, ServerState.Dead)], _changes);
    }

    [Fact]
    public void Our_own_pause_is_nobodys_silence()
    {
        _liveness.Hear(One, _nowMs);
        _nowMs += 60_000;
        _liveness.Tick(_nowMs, _changes);
        Assert.Empty(_changes);

        // Nor is the silence of another counted from before it, when one is heard first.
        _liveness.Hear(Two, _nowMs += 60_000);
        Run(1_000);
        Assert.Empty(_changes);
        Run(10_000);
        Assert.Equal(4, _changes.Count);
    }

    [Fact]
    public void Changes_come_by_server_and_who_is_removed_is_dead_without_a_word()
    {
        _liveness.Hear(Two, _nowMs);
        _liveness.Hear(One, _nowMs);
        _liveness.Hear(new ServerId(3), _nowMs);
        _liveness.Remove(new ServerId(3));
        Run(3_100);
        Assert.Equal([One, Two], _changes.Select(c => c.Server));
        Assert.Equal(ServerState.Dead, _liveness.StateOf(new ServerId(3)));
    }

    [Theory]
    [InlineData(ServerState.Up, false, false, ServerState.Up)]
    [InlineData(ServerState.Up, false, true, ServerState.Full)]
    [InlineData(ServerState.Up, true, true, ServerState.Draining)]
    [InlineData(ServerState.Suspect, true, true, ServerState.Suspect)]
    [InlineData(ServerState.Dead, true, false, ServerState.Dead)]
    public void What_is_worse_counts(ServerState liveness, bool isDraining, bool isFull, ServerState expected) =>
        Assert.Equal(expected, ServerStates.Combine(liveness, isDraining, isFull));

    private void Run(long forMs)
    {
        for (var untilMs = _nowMs + forMs; _nowMs < untilMs;)
        {
            _nowMs += 100;
            _liveness.Tick(_nowMs, _changes);
        }
    }
}
