using System;
using System.Collections.Generic;

namespace ZeroBuffer.Driver
{
    /// <summary>
    /// What is open, by number. A number is never given twice. What was closed last keeps its number until something
    /// else is closed: a call that comes too late meets the library's own answer.
    /// </summary>
    internal sealed class Handles
    {
        private readonly Dictionary<long, IDisposable> things = new Dictionary<long, IDisposable>();
        private long closed;
        private long last;
        private bool isEnding;

        public long Keep(IDisposable thing)
        {
            lock (things)
            {
                if (!isEnding)
                {
                    things.Add(++last, thing);
                    return last;
                }
            }

            thing.Dispose();
            throw IsEnding();
        }

        /// <summary>Gives up what has not come when everything ends.</summary>
        public void RefuseAtTheEnd()
        {
            lock (things)
            {
                if (isEnding)
                {
                    throw IsEnding();
                }
            }
        }

        /// <summary>The thing that a parameter names.</summary>
        public T Get<T>(Params given, string name)
            where T : class
        {
            return Get<T>(given.Number(name), name);
        }

        /// <summary>The same, and its number is gone.</summary>
        public T Take<T>(Params given, string name)
            where T : class
        {
            var number = given.Number(name);
            lock (things)
            {
                var thing = Get<T>(number, name);
                things.Remove(number);
                return thing;
            }
        }

        /// <summary>Closes a thing once; returns it and its frames and slots, which have no number any more.</summary>
        public List<IDisposable> EndWithHeld(Params given, string name)
        {
            var chosen = given.Number(name);
            lock (things)
            {
                var owner = Get<IDisposable>(chosen, name);
                if (owner is Held || chosen == closed)
                {
                    throw IsClosed(chosen, name);
                }

                things.Remove(closed);
                closed = chosen;

                var all = new List<IDisposable>();
                foreach (var number in new List<long>(things.Keys))
                {
                    if (things[number] is Held held && ReferenceEquals(held.Owner, owner))
                    {
                        all.Add(held);
                        things.Remove(number);
                    }
                }

                all.Add(owner);
                return all;
            }
        }

        /// <summary>Removes everything that is not closed, the youngest first; nothing is kept from now on.</summary>
        public List<IDisposable> TakeAll()
        {
            lock (things)
            {
                isEnding = true;
                var numbers = new List<long>(things.Keys);
                numbers.Remove(closed);
                numbers.Sort();
                numbers.Reverse();
                var all = numbers.ConvertAll(number => things[number]);
                things.Clear();
                return all;
            }
        }

        private T Get<T>(long number, string name)
            where T : class
        {
            IDisposable thing;
            lock (things)
            {
                things.TryGetValue(number, out thing);
            }

            return thing as T ?? throw IsClosed(number, name);
        }

        private static RpcException IsEnding()
        {
            return RpcException.Of("closed", "this driver is ending");
        }

        private static RpcException IsClosed(long number, string name)
        {
            var cause = $"no such thing is open under the number {number} ('{name}'): open one first";
            return RpcException.Of("closed", cause);
        }
    }

    /// <summary>A frame or a slot: it goes back when its owner is closed.</summary>
    internal abstract class Held : IDisposable
    {
        protected Held(IDisposable owner)
        {
            Owner = owner;
        }

        public IDisposable Owner { get; }

        public abstract void Dispose();
    }

    /// <summary>One request at a time looks at it.</summary>
    internal sealed class HeldFrame : Held
    {
        public HeldFrame(Reader owner, Frame frame)
            : base(owner)
        {
            Frame = frame;
        }

        public Frame Frame { get; }

        public override void Dispose()
        {
            lock (this)
            {
                Frame.Release();
            }
        }
    }

    /// <summary>One request at a time writes to it.</summary>
    internal sealed class HeldSlot : Held
    {
        public HeldSlot(Writer owner, Slot slot)
            : base(owner)
        {
            Slot = slot;
        }

        public Slot Slot { get; }

        public override void Dispose()
        {
            lock (this)
            {
                Slot.Abandon();
            }
        }
    }
}
