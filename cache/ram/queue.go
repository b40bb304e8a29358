package ram

// queueID says which queue of its policy a block is in. The zero value is none.
type queueID uint8

// queue is a list of blocks in order of arrival, linked through the blocks. A
// block is in one queue at most. The lock of the shard guards it.
type queue struct {
	id          queueID
	first, last *Block // newest, oldest
	len         int    // blocks
	weight      int64  // bytes
}

// push adds b as the newest.
func (q *queue) push(b *Block) {
	b.in, b.prev, b.next = q.id, nil, q.first
	if q.first == nil {
		q.last = b
	} else {
		q.first.prev = b
	}
	q.first = b
	q.len++
	q.weight += int64(b.Weight())
}

// remove takes b out. Its links are cleared: a handle that a reader keeps for
// hours must not keep its old neighbours alive.
func (q *queue) remove(b *Block) {
	if b.prev == nil {
		q.first = b.next
	} else {
		b.prev.next = b.next
	}
	if b.next == nil {
		q.last = b.prev
	} else {
		b.next.prev = b.prev
	}
	b.in, b.prev, b.next = 0, nil, nil
	q.len--
	q.weight -= int64(b.Weight())
}

// renew moves b from wherever it is in q to the newest place.
func (q *queue) renew(b *Block) {
	q.remove(b)
	q.push(b)
}
