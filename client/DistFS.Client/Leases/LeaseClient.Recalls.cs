using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Leases;

/// <content>Recalls, and what is told in answer.</content>
internal sealed partial class LeaseClient
{
    // Under the gate: leases that somebody here has just been granted and has not used yet; a recall waits for that, or
    // two clients could take a lease from each other for ever without either having done anything under it.
    private readonly Dictionary<InodeId, List<LeasePin>> _pins = [];

    /// <summary>What was granted has been used.</summary>
    public void Unpin(LeasePin pin)
    {
        lock (_gate)
        {
            if (_pins.TryGetValue(pin.Inode, out var pins) && pins.Remove(pin) && pins.Count == 0)
            {
                _pins.Remove(pin.Inode);
            }
        }
    }

    /// <summary>Under the gate.</summary>
    private void Enter(LeasePin pin)
    {
        if (!_pins.TryGetValue(pin.Inode, out var pins))
        {
            _pins[pin.Inode] = pins = [];
        }

        pins.Add(pin);
    }

    /// <summary>
    /// Under the gate: what a recall waits for. A recall is faster than the grant that it recalls, which waits for a
    /// round of consensus.
    /// </summary>
    private List<Task>? PinsBefore(InodeId inode)
    {
        if (!_pins.TryGetValue(inode, out var pins))
        {
            return null;
        }

        var has = _book.Has(inode);
        return pins.Exists(pin => pin.IsGranted || !has)
            ? [.. pins.Where(pin => pin.IsGranted || !has).Select(static pin => pin.Ended)] : null;
    }

    /// <summary>Each is given up by itself: one that takes long holds up no other.</summary>
    private void Answer(IEnumerable<WaitForRecallsReply.Types.Recall> recalls, ulong epoch, bool waits = true)
    {
        List<LeaseAnswer> atOnce = [];
        lock (_gate)
        {
            if (epoch != _book.Epoch)
            {
                // Of a leader before: its numbers say nothing to the present one, which recalls what it has to.
                return;
            }

            foreach (var recall in recalls)
            {
                var inode = new InodeId(recall.Inode);
                if (waits && PinsBefore(inode) is { } pins)
                {
                    _book.Heard(recall.Number);
                    _ = AnswerBehindAsync(pins, recall, epoch);
                    continue;
                }

                var keep = recall.Keep == (uint)LeaseMode.Read ? LeaseMode.Read : LeaseMode.None;
                if (_book.Recalled(recall.Number, inode, recall.Grant, keep))
                {
                    var before = _givingUp.GetValueOrDefault(inode, Task.CompletedTask);
                    var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    _givingUp[inode] = ended.Task;
                    _ = Task.Run(() => GiveUpAsync(before, inode, keep, ended));
                }
                else
                {
                    atOnce.Add(new LeaseAnswer(inode, epoch, recall.Grant, LeaseMode.None));
                }
            }
        }

        if (atOnce.Count > 0)
        {
            _ = Task.Run(() => TellAsync(atOnce));
        }
    }

    /// <summary>Those who come later do not hold it up: else it could wait for ever.</summary>
    private async Task AnswerBehindAsync(List<Task> pins, WaitForRecallsReply.Types.Recall recall, ulong epoch)
    {
        await Task.WhenAll(pins).ConfigureAwait(false);
        Answer([recall], epoch, waits: false);
    }

    private async Task GiveUpAsync(Task before, InodeId inode, LeaseMode keep, TaskCompletionSource ended)
    {
        await before.ConfigureAwait(false);
        try
        {
            await _holder.GiveUpAsync(inode, keep).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // Others wait, and nobody knows what is cached here: nothing is kept.
            Report($"Inode {inode.Value} is to be given up to {keep}", error);
            Guard($"Inode {inode.Value} is to be forgotten", () => _holder.Lost(inode));
            keep = LeaseMode.None;
        }

        LeaseAnswer? answer;
        lock (_gate)
        {
            answer = _book.GaveUp(inode, keep);
        }

        await TellAsync(answer is { } told ? [told] : [], ended, inode).ConfigureAwait(false);
    }

    /// <summary>The same, and then they are not being given up any more.</summary>
    private Task TellAsync(List<LeaseAnswer> answers, TaskCompletionSource ended) =>
        TellAsync(answers, ended, [.. answers.Select(static answer => answer.Inode)]);

    private async Task TellAsync(List<LeaseAnswer> answers, TaskCompletionSource ended, params InodeId[] inodes)
    {
        lock (_gate)
        {
            foreach (var inode in inodes)
            {
                _telling[inode] = ended.Task;
            }
        }

        try
        {
            await TellAsync(answers).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                foreach (var inode in inodes)
                {
                    // Another recall may have come behind this one.
                    if (_givingUp.GetValueOrDefault(inode) == ended.Task)
                    {
                        _givingUp.Remove(inode);
                    }

                    if (_telling.GetValueOrDefault(inode) == ended.Task)
                    {
                        _telling.Remove(inode);
                    }
                }
            }

            ended.TrySetResult();
        }
    }

    /// <summary>
    /// Whoever asks again for what the holder has given up waits until the leader knows: nobody here is waited for by
    /// that. Refused, he would do without the lease, which is worse.
    /// </summary>
    private async Task ToldAsync(IReadOnlyList<InodeId> inodes, CancellationToken cancellation)
    {
        Task[] telling;
        lock (_gate)
        {
            if (_telling.Count == 0)
            {
                return;
            }

            telling = [.. inodes.Select(inode => _telling.GetValueOrDefault(inode)).OfType<Task>().Distinct()];
        }

        try
        {
            await Task.WhenAll(telling).WaitAsync(TellLimit, _options.Clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Nobody leads: those that the leader has not heard of are refused, and no others.
        }
    }

    /// <summary>
    /// Told until it is heard: a session that does not answer is ended. A leader that is another by now has not heard
    /// of these leases, or hears of them when they are reclaimed.
    /// </summary>
    private async Task TellAsync(List<LeaseAnswer> answers)
    {
        foreach (var ofEpoch in answers.GroupBy(static answer => answer.Epoch))
        {
            foreach (var part in ofEpoch.Chunk(ToldMax))
            {
                await TellAsync(ofEpoch.Key, part).ConfigureAwait(false);
            }
        }
    }

    private async Task TellAsync(ulong epoch, LeaseAnswer[] part)
    {
        var request = new ReleaseLeasesRequest { Client = _session.Id.Value, Epoch = epoch };
        request.Released.Add(part.Select(static one => new ReleaseLeasesRequest.Types.Released
        {
            Inode = one.Inode.Value,
            Grant = one.Grant,
            Keep = (uint)one.Keep,
        }));
        while (!_stop.IsCancellationRequested && !_session.IsEnded)
        {
            try
            {
                Look(await _channel.ReleaseAsync(request, TellLimit, _stop.Token).ConfigureAwait(false));
                return;
            }
            catch (DistFsException)
            {
                await PauseAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The client ends, and its session with it.
            }
        }
    }
}
