namespace DistFS.Rpc.Frames;

/// <content>The table of our calls, and the queue of those that wait for room in it. All under the gate.</content>
internal sealed partial class FrameConnection
{
    // Ends when no call is under way in either direction and nothing waits to be sent, after one side said it goes
    // away.
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int TakeSlotUnderGate()
    {
        if (_freeSlot >= 0)
        {
            var free = _freeSlot;
            _freeSlot = _slots[free].NextFree;
            return free;
        }

        if (_slotsUsed == _slots.Length)
        {
            Array.Resize(ref _slots, _slots.Length * 2);
        }

        return _slotsUsed++;
    }

    private int FindSlotUnderGate(ulong callId)
    {
        var slot = (int)(callId & ((1 << SlotBits) - 1));
        return callId != 0 && slot < _slotsUsed && _slots[slot].CallId == callId ? slot : -1;
    }

    /// <summary>The peer has ended the call: its slot and its part of the window are free again.</summary>
    /// <param name="callId">As the peer sent it.</param>
    /// <param name="call">The call, unless its caller gave up before.</param>
    /// <returns>False when no such call was made.</returns>
    private bool TryEndSlot(ulong callId, out ClientCall? call)
    {
        bool flush;
        lock (_gate)
        {
            var slot = FindSlotUnderGate(callId);
            if (slot < 0)
            {
                // Close has ended every call at once; a reply that was already received is then no violation.
                call = null;
                return _closeReason != null;
            }

            call = _slots[slot].Call;
            _windowUsed -= _slots[slot].RequestBytes;
            _callsUnderWay--;
            _slots[slot] = new Slot { NextFree = _freeSlot };
            _freeSlot = slot;
            flush = AdmitWaitingUnderGate();
            TryFinishUnderGate();
        }

        StartFlush(flush);
        return true;
    }

    private List<ClientCall> TakeAllCallsUnderGate()
    {
        var calls = TakeWaitingUnderGate();
        for (var i = 0; i < _slotsUsed; i++)
        {
            if (_slots[i].Call is { } call)
            {
                calls.Add(call);
            }

            _slots[i] = default;
        }

        _callsUnderWay = 0;
        return calls;
    }

    private List<ClientCall> TakeWaitingUnderGate()
    {
        var calls = new List<ClientCall>();
        while (_waitingFirst is { } call)
        {
            RemoveWaitingUnderGate(call);
            calls.Add(call);
        }

        return calls;
    }

    private void AddWaitingUnderGate(ClientCall call)
    {
        call.IsWaiting = true;
        call.WaitingPrevious = _waitingLast;
        if (_waitingLast == null)
        {
            _waitingFirst = call;
        }
        else
        {
            _waitingLast.WaitingNext = call;
        }

        _waitingLast = call;
        _waitingCount++;
    }

    private void RemoveWaitingUnderGate(ClientCall call)
    {
        if (call.WaitingPrevious == null)
        {
            _waitingFirst = call.WaitingNext;
        }
        else
        {
            call.WaitingPrevious.WaitingNext = call.WaitingNext;
        }

        if (call.WaitingNext == null)
        {
            _waitingLast = call.WaitingPrevious;
        }
        else
        {
            call.WaitingNext.WaitingPrevious = call.WaitingPrevious;
        }

        call.WaitingNext = call.WaitingPrevious = null;
        call.IsWaiting = false;
        _waitingCount--;
    }

    /// <summary>After a GoAway: once nothing is under way, the last answer included, the connection may end.</summary>
    private void TryFinishUnderGate()
    {
        if ((_weGoAway || _peerGoesAway) && _callsUnderWay == 0 && _serving.Count == 0 && _waitingFirst == null
            && !_flushing && _filling.IsEmpty)
        {
            _idle.TrySetResult();
        }
    }
}
